import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';

/** A process of this machine; `started` tells it from a later one with the same id. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly started: string;
  readonly command: string;
}

const LINE = /^\s*(\d+)\s+(\d+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/;

const processes = async (): Promise<Process[]> => {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,lstart=,args='], { env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 16 * 1024 * 1024 });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, started = '', command = ''] = LINE.exec(line) ?? [];
    return pid === undefined || command.includes('<defunct>') ? [] : [{ pid: Number(pid), parent: Number(parent), started, command }];
  });
};

/** A process and everything that it, or what it started, has started. */
export const familyOf = async (pid: number): Promise<Process[]> => {
  const all = await processes();
  const family = all.filter((one) => one.pid === pid);
  for (const member of family) family.push(...all.filter(({ parent }) => parent === member.pid));
  return family;
};

/** Those of them that still run. */
export const alive = async (family: readonly Process[]): Promise<Process[]> => {
  const now = await processes();
  return family.filter(({ pid, started }) => now.some((one) => one.pid === pid && one.started === started));
};

/** Whether something on this machine listens at the port. */
export const listens = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it, jest } from '@jest/globals';
import { freePort } from '@runlog/platform';
import { slowness } from '@runlog/testing';
import { alive, familyOf, listens, type Process } from './processes.js';
import { until } from './until.js';

jest.setTimeout(60_000);

interface Launched {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
  readonly readyMs: number;
  readonly family: readonly Process[];
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

let home: string;
const everything: Process[] = [];

afterAll(async () => {
  for (const { pid } of await alive(everything)) process.kill(pid, 'SIGKILL');
  if (home) await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** A command as a shell starts it: in a process group of its own, in the project's folder. */
const launch = async (command: string, args: readonly string[]): Promise<Launched> => {
  home ??= await mkdtemp(join(tmpdir(), 'runlog-launch-'));
  const port = await freePort();
  const { DATABASE_URL: _database, KAFKA_BROKERS: _kafka, ...env } = process.env;
  const begun = performance.now();
  const child = spawn('sh', ['-c', 'exec "$@" <&-', 'sh', command, ...args], {
    cwd: resolve('.'),
    detached: true,
    env: { ...env, PORT: String(port), RUNLOG_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals | null>((done) => child.once('exit', (code, signal) => done(code ?? signal)));
  await until(async () => output.includes('Runlog is ready'), {
    what: `'${command} ${args.join(' ')}' to say that it is ready`,
    timeoutMs: 60_000,
    everyMs: 20,
    otherwise: () => output,
  });
  const readyMs = performance.now() - begun;
  const key = (await readFile(join(home, 'admin-key'), 'utf8')).trim();
  expect(output).toContain(key);
  const family = await familyOf(child.pid as number);
  everything.push(...family);
  return { child, pid: child.pid as number, port, readyMs, family, ended };
};

const gone = async ({ family, port }: Launched, timeoutMs = 15_000) => {
  await until(async () => (await alive(family)).length === 0, {
    what: 'every process to be gone',
    timeoutMs: timeoutMs * slowness(),
    otherwise: async () => JSON.stringify(await alive(family), null, 1),
  });
  expect(await listens(port)).toBe(false);
};

/** The embedded PostgreSQL notes who runs it for as long as it runs; an orderly stop takes the note away. */
const stoppedInOrder = () => !existsSync(join(home, 'postgres/owner'));

describe('npm start', () => {
  it('stays in the foreground and passes SIGTERM on', async () => {
    const launched = await launch('npm', ['start', '--silent']);
    expect(launched.family.length).toBeGreaterThan(2);
    expect(launched.family.some(({ command }) => /postgres/.test(command))).toBe(true);
    process.kill(launched.pid, 'SIGTERM');
    await launched.ended;
    await gone(launched, 5000);
    expect(stoppedInOrder()).toBe(true);
  }, 90_000);
});

describe('the launcher behind npm start', () => {
  const launcher = () => launch(process.execPath, ['deploy/local/start.mjs']);

  it('is ready within 5 s on a second start, and ends with code 0 on SIGTERM', async () => {
    const launched = await launcher();
    expect(launched.readyMs).toBeLessThan(5000 * slowness());
    process.kill(launched.pid, 'SIGTERM');
    expect(await launched.ended).toBe(0);
    await gone(launched, 3000);
  });

  it('stops in order on Ctrl-C, which a terminal sends to every process of the group', async () => {
    const launched = await launcher();
    process.kill(-launched.pid, 'SIGINT');
    expect(await launched.ended).toBe(0);
    await gone(launched, 3000);
    expect(stoppedInOrder()).toBe(true);
  });

  it('takes everything down with it when it alone is killed', async () => {
    const launched = await launcher();
    process.kill(launched.pid, 'SIGKILL');
    await gone(launched);
  });

  it('goes down with its process group, PostgreSQL too', async () => {
    const launched = await launcher();
    process.kill(-launched.pid, 'SIGKILL');
    await gone(launched);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '@runlog/platform';
import { until } from './until.js';

/** A Runlog as a user runs it: a process of its own on a free port and a folder of its own. */
export interface Running {
  readonly url: string;
  readonly key: string;
  readonly home: string;
  readonly pid: number;
  /** What it has printed so far. */
  output(): string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** As a crash does it; resolves when the process is gone. */
  kill(): Promise<void>;
  /** In order; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** Resolves with the exit code once the process has ended by itself. */
  ended(): Promise<number | null>;
  /** Removes the folder; call it last. */
  discard(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** A client of one running Runlog: the parsed body, whatever the status. */
export const caller =
  (url: string, key: string): Running['call'] =>
  async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: isJson && text ? JSON.parse(text) : text };
  };

const exited = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null || child.signalCode !== null ? Promise.resolve(child.exitCode) : new Promise((done) => child.once('exit', (code) => done(code)));

interface Start {
  /** To start again on what another one left. */
  readonly home?: string;
  readonly env?: Record<string, string>;
  readonly key?: string;
  /** Default: empty. `closed`: there is no descriptor 0 at all. */
  readonly stdin?: 'closed';
  /** Files may have so many times 512 bytes: as on a disk that is full for larger ones. */
  readonly fileBlocks?: number;
}

/** Starts `apps/standalone` as built and waits until it is ready. */
export const startStandalone = async (options: Start = {}): Promise<Running> => {
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'runlog-journey-')));
  const key = options.key ?? 'rl_test_0123456789abcdefghijklmnopqrstuv';
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { DATABASE_URL: _database, KAFKA_BROKERS: _kafka, ...env } = process.env;
  const command = [process.execPath, '--enable-source-maps', resolve('apps/standalone/dist/main.js')];
  const inShell = options.stdin === 'closed' ? 'exec "$@" <&-' : options.fileBlocks === undefined ? undefined : `ulimit -f ${options.fileBlocks} && exec "$@"`;
  const [program = '', ...args] = inShell === undefined ? command : ['sh', '-c', inShell, 'sh', ...command];
  const child = spawn(program, args, {
    env: { ...env, PORT: String(port), RUNLOG_HOME: home, RUNLOG_ADMIN_KEY: key, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const log = () => readFile(join(home, 'logs/runlog.log'), 'utf8').catch(() => '');
  await until(
    async () => {
      if (child.exitCode !== null) throw new Error(`Runlog ended with ${child.exitCode}: ${output}\n${(await log()).slice(-3000)}`);
      return (await fetch(`${url}/health/ready`).catch(() => undefined))?.ok;
    },
    { what: 'Runlog to be ready', timeoutMs: 100_000, everyMs: 30, otherwise: async () => `${output}\n${(await log()).slice(-3000)}` },
  ).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    url,
    key,
    home,
    pid: child.pid as number,
    output: () => output,
    call: caller(url, key),
    kill: async () => {
      child.kill('SIGKILL');
      await exited(child);
    },
    stop: async () => {
      child.kill('SIGTERM');
      return exited(child);
    },
    ended: () => exited(child),
    discard: async () => {
      child.kill('SIGKILL');
      await exited(child);
      await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
};

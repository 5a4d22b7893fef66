import { type ChildProcess, spawn } from 'node:child_process';
import { deserializeMessage, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import type { AllowedServer } from './allow-list.js';
import { Lines } from './lines.js';
import { MAX_MESSAGE_BYTES } from './max-message.js';

/** A server whose input ended has this long to end, then again this long after SIGTERM. */
const END_WITHIN_MS = 2_000;
const LAST_WORDS_CHARS = 4_096;

/**
 * A server in a process of its own, spoken to over its input and output. Unlike the SDK's transport it passes on nothing of the runner's environment
 * but `PATH`, and ends the whole group of processes that the server has become.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #received = new Lines(MAX_MESSAGE_BYTES);
  readonly #gone = Promise.withResolvers<void>();
  #process: ChildProcess | undefined;
  #lastWords = '';

  constructor(
    private readonly server: AllowedServer,
    /** What it said on its error output last, and how it ended; for the operator, not for tenants. */
    private readonly onEnd: (ending: { code: number | null; signal: string | null; said: string }) => void,
  ) {}

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): Promise<void> {
    const { command, args, env, folder } = this.server;
    const child = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, cwd: folder, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.#process = child;
    child.stdin?.on('error', (error) => this.onerror?.(error));
    child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk));
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#lastWords = (this.#lastWords + chunk.toString('utf8')).slice(-LAST_WORDS_CHARS);
    });
    const ended = (code: number | null, signal: string | null): void => {
      this.#gone.resolve();
      this.onEnd({ code, signal, said: this.#lastWords });
      this.onclose?.();
    };
    return new Promise((resolve, reject) => {
      child.once('spawn', () => resolve());
      child.once('error', (error) => {
        reject(error);
        if (child.pid === undefined) ended(null, null);
      });
      child.once('exit', (code, signal) => ended(code, signal));
    });
  }

  send(message: JSONRPCMessage): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#process?.stdin?.write(serializeMessage(message), (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined) return;
    child.stdin?.end();
    if (!(await this.#goneWithin(END_WITHIN_MS))) this.#signal('SIGTERM');
    if (!(await this.#goneWithin(END_WITHIN_MS))) this.#signal('SIGKILL');
    await this.#gone.promise;
    this.#signal('SIGKILL');
  }

  /** At once, with no time for it to end by itself. */
  kill(): void {
    this.#signal('SIGKILL');
  }

  /** To its whole group: servers are often started by another program. */
  #signal(signal: NodeJS.Signals): void {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  }

  #goneWithin(ms: number): Promise<boolean> {
    const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), ms).unref());
    return Promise.race([this.#gone.promise.then(() => true as const), late]);
  }

  #read(chunk: Buffer): void {
    try {
      for (const line of this.#received.read(chunk)) this.#hear(line);
    } catch (error) {
      this.onerror?.(error as Error);
      this.kill();
    }
  }

  /** What is no message is left out: programs say things by mistake. */
  #hear(line: string): void {
    let message: JSONRPCMessage;
    try {
      message = deserializeMessage(line);
    } catch (error) {
      this.onerror?.(error as Error);
      return;
    }
    this.onmessage?.(message);
  }
}

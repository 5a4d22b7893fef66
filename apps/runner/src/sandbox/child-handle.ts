import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FromChild, Job, JobOutcome } from './job.js';
import type { SandboxJob } from './sandbox.js';

/** The child ends a job at its limit by itself; when it can't, this much later it is killed. */
const GRACE_MS = 500;

interface ChildEvents {
  onReady(): void;
  onGone(): void;
  onIdle(): void;
  readonly idleMs: number;
}

const program = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url));
const libraries = resolve(dirname(createRequire(import.meta.url).resolve('quickjs-emscripten')), '../..');

/** Memory of a child beyond the usual. */
export interface Room {
  readonly memoryBytes: number;
}

/** No environment, no files but its own code, no processes, workers or addons, a small heap. */
const forkOptions = (heapMiB: number) => ({
  env: {},
  serialization: 'json' as const,
  stdio: ['ignore', 'ignore', 'ignore', 'ipc'] as ('ignore' | 'ipc')[],
  execArgv: [
    '--permission',
    `--allow-fs-read=${dirname(program)}/*`,
    `--allow-fs-read=${resolve(dirname(program), '../../package.json')}`,
    `--allow-fs-read=${libraries}/*`,
    `--max-old-space-size=${heapMiB}`,
    '--stack-size=3000',
    '--max-semi-space-size=2',
    '--disallow-code-generation-from-strings',
    '--no-warnings',
  ],
});

const usualHeapMiB = 128;
/** Texts of that size pass through it, escaped and not. */
const roomyHeapMiB = 768;

interface Current {
  readonly id: number;
  readonly job: SandboxJob;
  readonly since: number;
  end(outcome: JobOutcome): void;
}

/** One child process of the sandbox, from fork to exit. */
export class Child {
  isStarting = true;
  readonly #process: ChildProcess;
  readonly #gone = Promise.withResolvers<void>();
  #isGone = false;
  #isReady = false;
  #current: Current | undefined;
  #jobs = 0;
  #idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly events: ChildEvents,
    room?: Room,
  ) {
    this.#process = room ? fork(program, [String(room.memoryBytes)], forkOptions(roomyHeapMiB)) : fork(program, forkOptions(usualHeapMiB));
    this.#process.on('message', (message) => this.#hear(message as FromChild));
    this.#process.on('error', () => this.#leave());
    this.#process.once('exit', () => this.#leave());
  }

  get isFree(): boolean {
    return this.#isReady && !this.#isGone;
  }

  /** How long the job at hand has been running, in milliseconds; 0 without one. */
  get busyMs(): number {
    return this.#current ? Date.now() - this.#current.since : 0;
  }

  /** Rejects with the signal's reason when it aborts; the process is killed then. */
  run(job: SandboxJob): Promise<JobOutcome> {
    clearTimeout(this.#idle);
    this.#isReady = false;
    const id = ++this.#jobs;
    const { promise, resolve: settle, reject } = Promise.withResolvers<JobOutcome>();
    const abort = (): void => {
      reject(job.signal.reason);
      this.#current = undefined;
      void this.kill();
    };
    const killer = setTimeout(() => {
      this.#current?.end({ code: 'code_timeout', message: `The code ran longer than its limit of ${job.timeoutMs} ms`, retryable: true });
      void this.kill();
    }, job.timeoutMs + GRACE_MS);
    job.signal.addEventListener('abort', abort, { once: true });
    this.#current = {
      id,
      job,
      since: Date.now(),
      end: (outcome) => {
        this.#current = undefined;
        settle(outcome);
      },
    };
    const { source, scope, timeoutMs } = job;
    this.#process.send({ id, source, scope, timeoutMs } satisfies Job, (error) => error && this.kill());
    return promise.finally(() => {
      clearTimeout(killer);
      job.signal.removeEventListener('abort', abort);
    });
  }

  /** Resolves when the process is gone. */
  kill(): Promise<void> {
    this.#isGone = true;
    this.#process.kill('SIGKILL');
    return this.#gone.promise;
  }

  #hear(message: FromChild): void {
    if (message.type === 'ready') {
      this.isStarting = false;
      this.#isReady = true;
      this.#idle = setTimeout(() => this.events.onIdle(), this.events.idleMs).unref();
      this.events.onReady();
      return;
    }
    if (message.id !== this.#current?.id) return;
    if (message.type === 'line') this.#current.job.onLine(message.level, message.text);
    else this.#current.end(message.outcome);
  }

  #leave(): void {
    this.#isGone = true;
    this.isStarting = false;
    clearTimeout(this.#idle);
    this.#current?.end({ code: 'code_memory', message: 'The process that ran the code died, most likely for want of memory', retryable: false });
    this.#gone.resolve();
    this.events.onGone();
  }
}

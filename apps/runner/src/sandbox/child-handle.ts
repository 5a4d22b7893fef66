import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type JobOutcome, WIRE } from './job.js';
import type { SandboxJob } from './sandbox.js';
import { encodeJob, FrameReader, type Heard } from './wire.js';

/** The child ends a job at its limit by itself; when it can't, this much later it is killed. */
const GRACE_MS = 500;
/** A child that takes longer to start than this is given up; the pool starts another one. */
const START_WITHIN_MS = 30_000;

interface ChildEvents {
  /** It may take a job, or another one. */
  onReady(): void;
  /** Jobs that it had not begun, or that nobody knows of, go back. */
  onGone(unbegun: readonly Assigned[]): void;
  onIdle(): void;
  /** A job took so long in the child, in milliseconds. */
  onPace(ms: number): void;
  readonly idleMs: number;
}

/** A job on its way: its caller, and who hears of its end. */
export interface Assigned {
  readonly job: SandboxJob;
  settle(outcome: JobOutcome): void;
  reject(reason: unknown): void;
}

interface Entry {
  readonly id: number;
  /** Undefined: given up, or taken back. What comes of it is nobody's business. */
  assigned: Assigned | undefined;
  readonly timeoutMs: number;
  forget(): void;
}

const program = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url));
const libraries = resolve(dirname(createRequire(import.meta.url).resolve('quickjs-emscripten')), '../..');

/** No environment, no files but its own code, no processes, workers or addons, a small heap. */
const flagsFor = (heapMiB: number): string[] => [
  '--permission',
  `--allow-fs-read=${dirname(program)}/*`,
  `--allow-fs-read=${resolve(dirname(program), '../../package.json')}`,
  `--allow-fs-read=${libraries}/*`,
  `--max-old-space-size=${heapMiB}`,
  '--stack-size=3000',
  // Fewer threads and tighter heaps: a third less memory per child.
  '--max-semi-space-size=1',
  '--v8-pool-size=1',
  '--optimize-for-size',
  // While it loads, the main thread waits for background tasks; one that compiles and finds a heap as tight as this full waits for the main thread.
  '--no-concurrent-sparkplug',
  '--disallow-code-generation-from-strings',
  '--no-warnings',
];

const USUAL_HEAP_MIB = 128;
/** Texts of that size pass through it. */
const ROOMY_HEAP_MIB = 768;

/** One child process of the sandbox, from its start to its exit. It does its jobs in the order given; a few may wait in it. */
export class Child {
  isStarting = true;
  readonly #process: ChildProcess;
  readonly #wire: Socket;
  readonly #frames = new FrameReader();
  readonly #gone = Promise.withResolvers<void>();
  #isGone = false;
  #hasLeft = false;
  /** The first is being done; the others wait in the child. */
  #entries: Entry[] = [];
  #since = 0;
  #jobs = 0;
  #isFilling = true;
  #unsent: Buffer[] = [];
  #killer: NodeJS.Timeout | undefined = setTimeout(() => void this.kill(), START_WITHIN_MS);
  #idle: NodeJS.Timeout | undefined;

  /** @param memoryBytes for what the code makes, if more than usual */
  constructor(
    private readonly events: ChildEvents,
    memoryBytes?: number,
  ) {
    const command = memoryBytes === undefined ? [...flagsFor(USUAL_HEAP_MIB), program] : [...flagsFor(ROOMY_HEAP_MIB), program, String(memoryBytes)];
    this.#process = spawn(process.execPath, command, { env: {}, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    // Without file descriptors for a process there is none for its wire either; the error comes next.
    this.#wire = ((this.#process.stdio as unknown[] | undefined)?.[WIRE] as Socket | undefined) ?? new Socket();
    this.#wire.on('error', () => this.kill());
    this.#wire.on('data', (chunk: Buffer) => {
      for (const heard of this.#frames.read(chunk)) this.#hear(heard);
    });
    this.#process.on('error', () => this.#leave());
    this.#process.once('exit', () => (this.#wire.destroyed || this.#wire.readableEnded ? this.#leave() : this.#wire.once('close', () => this.#leave())));
  }

  /** Whether it takes one more, with so many at a time. Once full it takes none until half of them are done: what it gets then goes in one write. */
  hasRoom(depth: number): boolean {
    if (this.#entries.length >= depth) this.#isFilling = false;
    else if (this.#entries.length <= depth / 2) this.#isFilling = true;
    return !this.isStarting && !this.#isGone && !this.#hasLeft && this.#isFilling;
  }

  /** How many jobs are in it. */
  get load(): number {
    return this.#entries.length;
  }

  /** How long the job at hand has been running, in milliseconds; 0 without one. */
  get busyMs(): number {
    return this.#entries.length > 0 ? performance.now() - this.#since : 0;
  }

  give(assigned: Assigned): void {
    clearTimeout(this.#idle);
    const { source, scope, timeoutMs, signal } = assigned.job;
    const id = ++this.#jobs;
    const abort = (): void => {
      const isAtHand = this.#entries[0]?.id === id;
      entry.assigned = undefined;
      assigned.reject(signal.reason);
      if (isAtHand) void this.kill();
    };
    const entry: Entry = { id, assigned, timeoutMs, forget: () => signal.removeEventListener('abort', abort) };
    signal.addEventListener('abort', abort, { once: true });
    this.#entries.push(entry);
    if (this.#entries.length === 1) this.#begin();
    this.#write(encodeJob(id, timeoutMs, source, scope));
  }

  /** What is given in one turn of the event loop goes together: each write wakes the child. */
  #write(frame: Buffer): void {
    this.#unsent.push(frame);
    if (this.#unsent.length > 1) return;
    process.nextTick(() => {
      const frames = this.#unsent;
      this.#unsent = [];
      this.#wire.write(frames.length === 1 ? frame : Buffer.concat(frames));
    });
  }

  /** Jobs that wait behind the one at hand; the child will do them in vain. */
  takeBack(): Assigned[] {
    return this.#entries.slice(1).flatMap((entry) => this.#release(entry) ?? []);
  }

  /** Resolves when the process is gone. */
  kill(): Promise<void> {
    this.#isGone = true;
    this.#process.kill('SIGKILL');
    return this.#gone.promise;
  }

  #begin(): void {
    const [entry] = this.#entries;
    clearTimeout(this.#killer);
    if (!entry) return;
    this.#since = performance.now();
    const limitMs = entry.assigned ? entry.timeoutMs : 0;
    this.#killer = setTimeout(() => {
      this.#release(entry)?.settle({ code: 'code_timeout', message: `The code ran longer than its limit of ${entry.timeoutMs} ms`, retryable: true });
      void this.kill();
    }, limitMs + GRACE_MS);
  }

  #release(entry: Entry): Assigned | undefined {
    const { assigned } = entry;
    entry.assigned = undefined;
    entry.forget();
    return assigned;
  }

  #hear(heard: Heard): void {
    const [entry] = this.#entries;
    if (heard.type === 'ready') {
      this.isStarting = false;
      clearTimeout(this.#killer);
    } else if (heard.type === 'left') this.#hasLeft = true;
    else if (heard.id !== entry?.id) return;
    else if (heard.type === 'lines') {
      for (const [level, text] of heard.lines) entry.assigned?.job.onLine(level, text);
      return;
    } else {
      this.#entries.shift();
      this.#begin();
      this.#release(entry)?.settle(heard.outcome);
      this.events.onPace(heard.micros / 1_000);
    }
    if (this.#entries.length === 0) this.#idle = setTimeout(() => this.events.onIdle(), this.events.idleMs).unref();
    if (heard.type !== 'left') this.events.onReady();
  }

  #leave(): void {
    this.#isGone = true;
    this.isStarting = false;
    clearTimeout(this.#idle);
    clearTimeout(this.#killer);
    const [atHand, ...unbegun] = this.#entries.splice(0);
    const guilty = atHand && this.#release(atHand);
    if (!this.#hasLeft) guilty?.settle({ code: 'code_memory', message: 'The process that ran the code died, most likely for want of memory', retryable: false });
    const back = unbegun.flatMap((entry) => this.#release(entry) ?? []);
    this.#gone.resolve();
    this.events.onGone(this.#hasLeft && guilty ? [guilty, ...back] : back);
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type JobOutcome, WIRE } from './job.js';
import type { SandboxJob } from './sandbox.js';
import { encodeJobs, FrameReader, type Heard } from './wire.js';

/** The child ends a job at its limit by itself; when it can't, this much later it is killed. */
const GRACE_MS = 500;
/** One that should have been quick tells when it is not; when a child says nothing for so long, it is not known which of its quick jobs is at hand. */
const DOUBT_MS = 2_000;
/** A child that takes longer to start than this is given up; the pool starts another one. */
const START_WITHIN_MS = 30_000;

interface ChildEvents {
  /** It may take a job, or another one. */
  onReady(): void;
  /** Jobs that it has not ended, or not told so, go back. */
  onGone(unended: readonly Assigned[]): void;
  onIdle(): void;
  /** A job of the source took so long in the child, in milliseconds. */
  onPace(ms: number, source: string): void;
  readonly idleMs: number;
}

/** A job on its way: its caller, and who hears of its end. */
export interface Assigned {
  readonly job: SandboxJob;
  /** Where it is. */
  child: Child | undefined;
  /** Its result may come together with those of others. */
  isQuick: boolean;
  /** A child died with it and others, and it may be why: it runs alone. */
  isSuspect: boolean;
  settle(outcome: JobOutcome): void;
  reject(reason: unknown): void;
}

interface Entry {
  readonly id: number;
  /** Undefined: given up, or taken back. What comes of it is nobody's business. */
  assigned: Assigned | undefined;
  readonly timeoutMs: number;
  /** What it gives may wait in the child for that of those behind it. */
  isQuick: boolean;
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
  readonly #frames = new FrameReader((heard) => this.#hear(heard));
  readonly #gone = Promise.withResolvers<void>();
  #isGone = false;
  #hasLeft = false;
  #isGivenUp = false;
  /** The first is being done, or has just been; the others wait in the child. */
  readonly #entries: Entry[] = [];
  #since = 0;
  #jobs = 0;
  #isFilling = true;
  #unsent: Entry[] = [];
  /** Set while there is a job. It looks whether the one at hand is late. */
  #killer: NodeJS.Timeout | undefined = setTimeout(() => void this.kill(), START_WITHIN_MS);
  #looksAt = 0;
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
    this.#wire.on('data', (chunk: Buffer) => this.#read(chunk));
    this.#process.on('error', () => this.#leave());
    this.#process.once('exit', () => (this.#wire.destroyed || this.#wire.readableEnded ? this.#leave() : this.#wire.once('close', () => this.#leave())));
  }

  /** Whether it takes one more, with so many at a time. Once full it takes none until half of them are done: what it gets then goes in one write. */
  hasRoom(depth: number): boolean {
    if (this.#entries.length >= depth) this.#isFilling = false;
    else if (this.#entries.length <= depth / 2) this.#isFilling = true;
    return !this.isStarting && !this.#isGone && !this.#hasLeft && this.#isFilling && !this.#entries[0]?.assigned?.isSuspect;
  }

  /** How many jobs are in it. */
  get load(): number {
    return this.#entries.length;
  }

  /** How long the job at hand has been running, in milliseconds; 0 without one. */
  get busyMs(): number {
    return this.#entries.length > 0 ? performance.now() - this.#since : 0;
  }

  /** What is given in one turn of the event loop goes together: each write wakes the child. */
  give(assigned: Assigned): void {
    assigned.child = this;
    const entry: Entry = { id: ++this.#jobs, assigned, timeoutMs: assigned.job.timeoutMs, isQuick: assigned.isQuick };
    this.#entries.push(entry);
    if (this.#entries.length === 1) this.#since = performance.now();
    if (this.#entries.length <= 2) this.#watch();
    this.#unsent.push(entry);
    if (this.#unsent.length === 1) process.nextTick(() => this.#write());
  }

  #write(): void {
    const entries = this.#unsent;
    this.#unsent = [];
    this.#wire.write(encodeJobs(entries));
  }

  /** Nobody waits for the job any longer. */
  giveUp(assigned: Assigned): void {
    const at = this.#entries.findIndex((entry) => entry.assigned === assigned);
    this.#release(this.#entries[at]);
    if (at !== 0) return;
    this.#isGivenUp = true;
    void this.kill();
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

  /** A timer that goes off in time for an earlier job goes off in time for this one too. */
  #watch(): void {
    const lateAt = this.#lateAt();
    if (this.#killer && lateAt >= this.#looksAt) return;
    clearTimeout(this.#killer);
    this.#looksAt = lateAt;
    this.#killer = setTimeout(() => this.#stopLate(), lateAt - performance.now());
  }

  /** When the job at hand should have ended, or told that it is the one. */
  #lateAt(): number {
    const [first] = this.#entries;
    if (!first) return Infinity;
    const limitMs = this.#isAtHand(first) ? first.timeoutMs : Math.min(first.timeoutMs, DOUBT_MS);
    return this.#since + GRACE_MS + (first.assigned ? limitMs : 0);
  }

  #stopLate(): void {
    this.#killer = undefined;
    const [first] = this.#entries;
    if (!first) return;
    if (this.#lateAt() > performance.now()) return this.#watch();
    if (this.#isAtHand(first)) this.#release(first)?.settle({ code: 'code_timeout', message: `The code ran longer than its limit of ${first.timeoutMs} ms`, retryable: true });
    void this.kill();
  }

  /** A quick job may have ended without telling so yet, and one behind it be at hand. */
  #isAtHand(first: Entry): boolean {
    return !first.isQuick || this.#entries.length === 1;
  }

  #release(entry: Entry | undefined): Assigned | undefined {
    const assigned = entry?.assigned;
    if (!entry || !assigned) return undefined;
    entry.assigned = undefined;
    assigned.child = undefined;
    return assigned;
  }

  #read(chunk: Buffer): void {
    const before = this.#entries.length;
    const wasStarting = this.isStarting;
    this.#frames.read(chunk);
    if (this.#entries.length === before && this.isStarting === wasStarting) return;
    if (this.#entries.length > 0) {
      this.#since = performance.now();
      this.#watch();
    } else if (this.#idle) this.#idle.refresh();
    else this.#idle = setTimeout(() => this.#entries.length === 0 && this.events.onIdle(), this.events.idleMs).unref();
    if (!this.#hasLeft) this.events.onReady();
  }

  #hear(heard: Heard): void {
    const [entry] = this.#entries;
    if (heard.type === 'ready') {
      this.isStarting = false;
      clearTimeout(this.#killer);
      this.#killer = undefined;
    } else if (heard.type === 'left') this.#hasLeft = true;
    else if (heard.id !== entry?.id) return;
    else if (heard.type === 'lines') {
      entry.isQuick = false;
      for (const [level, text] of heard.lines) entry.assigned?.job.onLine(level, text);
    } else {
      this.#entries.shift();
      const assigned = this.#release(entry);
      if (!assigned) return;
      assigned.settle(heard.outcome);
      this.events.onPace(heard.micros / 1_000, assigned.job.source);
    }
  }

  #leave(): void {
    this.#isGone = true;
    this.isStarting = false;
    clearTimeout(this.#idle);
    clearTimeout(this.#killer);
    const [first] = this.#entries;
    const isClear = this.#hasLeft || this.#isGivenUp || !first || this.#isAtHand(first);
    const guilty = isClear && !this.#hasLeft ? this.#release(first) : undefined;
    const unended = this.#entries.splice(0).flatMap((entry) => this.#release(entry) ?? []);
    if (!isClear) for (const assigned of unended) assigned.isSuspect = true;
    guilty?.settle({ code: 'code_memory', message: 'The process that ran the code died, most likely for want of memory', retryable: false });
    this.#gone.resolve();
    this.events.onGone(unended);
  }
}

import { availableParallelism } from 'node:os';
import { Child, type Room } from './child-handle.js';
import type { ConsoleLevel, JobOutcome } from './job.js';

export interface SandboxJob {
  readonly source: string;
  readonly scope: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  onLine(level: ConsoleLevel, text: string): void;
}

/** A job that reads more than this gets a child of its own, with memory by what it reads. */
const USUAL_SCOPE_CHARS = 1024 * 1024;
/** At most so many of them at a time. */
const ROOMY_AT_ONCE = 2;
/** A value takes about so many times the characters of its JSON, and the code works on it. */
const BYTES_PER_CHAR = 16;
const USUAL_BYTES = 64 * 1024 * 1024;
const MOST_BYTES = 1024 * 1024 * 1024;

interface Waiting {
  readonly job: SandboxJob;
  settle(outcome: Promise<JobOutcome>): void;
}

/** A free child beyond the usual number goes after this long. */
const IDLE_MS = 30_000;
/** When every child has been busy with one job for so long, a further one is started, up to twice the usual number. */
const STUCK_MS = 50;

/**
 * A warm pool of child processes for untrusted code. As many as there are cores serve quick jobs best; when long jobs hold all of them,
 * it grows to twice as many, so that a few endless loops don't stop everybody.
 */
export class Sandbox {
  /** Most jobs at a time. */
  readonly capacity: number;
  readonly #usual: number;
  readonly #children = new Set<Child>();
  readonly #waiting: Waiting[] = [];
  readonly #roomyWaiting: Waiting[] = [];
  readonly #roomy = new Set<Child>();
  #growth: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(slots: number) {
    this.#usual = Math.max(1, Math.min(slots, availableParallelism()));
    this.capacity = Math.max(1, Math.min(slots, this.#usual * 2));
  }

  get children(): number {
    return this.#children.size + this.#roomy.size;
  }

  /** Starts the first child ahead of the first job. */
  warm(): void {
    if (this.#children.size === 0) this.#grow();
  }

  /** Rejects only when `signal` aborts (with its reason) or the pool closes. */
  run(job: SandboxJob): Promise<JobOutcome> {
    const { promise, resolve } = Promise.withResolvers<JobOutcome>();
    const waiting: Waiting = { job, settle: resolve };
    const queue = job.scope.length > USUAL_SCOPE_CHARS ? this.#roomyWaiting : this.#waiting;
    queue.push(waiting);
    job.signal.addEventListener(
      'abort',
      () => {
        const at = queue.indexOf(waiting);
        if (at < 0) return;
        queue.splice(at, 1);
        resolve(Promise.reject(job.signal.reason));
      },
      { once: true },
    );
    if (queue === this.#waiting) this.#assign();
    else this.#assignRoomy();
    return promise;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#growth);
    for (const { settle } of [...this.#waiting.splice(0), ...this.#roomyWaiting.splice(0)]) settle(Promise.reject(new Error('The sandbox is closed')));
    await Promise.all([...this.#children, ...this.#roomy].map((child) => child.kill()));
  }

  #assign(): void {
    if (this.#isClosed) return;
    for (const child of this.#children) {
      if (this.#waiting.length === 0) break;
      if (child.isFree) this.#give(child, this.#waiting.shift() as Waiting);
    }
    const starting = [...this.#children].filter((child) => child.isStarting).length;
    for (let short = this.#waiting.length - starting; short > 0 && this.#children.size < this.#usual; short--) this.#grow();
    if (this.#waiting.length > 0 && starting === 0 && this.#children.size < this.capacity)
      this.#growth ??= setTimeout(() => {
        this.#growth = undefined;
        if (this.#waiting.length > 0 && [...this.#children].every((child) => child.busyMs >= STUCK_MS - 1)) this.#grow();
        this.#assign();
      }, STUCK_MS);
  }

  /** A child for one job: its memory is the job's. */
  #assignRoomy(): void {
    while (!this.#isClosed && this.#roomy.size < ROOMY_AT_ONCE) {
      const waiting = this.#roomyWaiting.shift();
      if (!waiting) return;
      const room: Room = { memoryBytes: Math.min(MOST_BYTES, USUAL_BYTES + waiting.job.scope.length * BYTES_PER_CHAR) };
      let isGiven = false;
      const child: Child = new Child(
        {
          onReady: () => {
            if (isGiven) return void child.kill();
            isGiven = true;
            const { signal } = waiting.job;
            const outcome = signal.aborted ? Promise.reject(signal.reason) : child.run(waiting.job);
            waiting.settle(outcome);
            outcome.catch(() => undefined).finally(() => child.kill());
          },
          onGone: () => {
            this.#roomy.delete(child);
            if (!isGiven)
              waiting.settle(Promise.resolve({ code: 'code_memory', message: 'There is no memory at present for a process that holds what the code reads', retryable: true }));
            this.#assignRoomy();
          },
          onIdle: () => undefined,
          idleMs: IDLE_MS,
        },
        room,
      );
      this.#roomy.add(child);
    }
  }

  #give(child: Child, { job, settle }: Waiting): void {
    settle(child.run(job));
  }

  #grow(): void {
    const child = new Child({
      onReady: () => this.#assign(),
      onGone: () => {
        this.#children.delete(child);
        if (!this.#isClosed && this.#children.size === 0) setTimeout(() => !this.#isClosed && this.warm(), 50);
        this.#assign();
      },
      onIdle: () => this.#children.size > this.#usual && void child.kill(),
      idleMs: IDLE_MS,
    });
    this.#children.add(child);
  }
}

import { availableParallelism } from 'node:os';
import { type Assigned, Child } from './child-handle.js';
import type { ConsoleLevel, JobOutcome } from './job.js';
import { RoomyChildren } from './roomy-children.js';

export interface SandboxJob {
  readonly source: string;
  readonly scope: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  onLine(level: ConsoleLevel, text: string): void;
}

/** A job that reads more than this gets a child of its own. */
const USUAL_SCOPE_CHARS = 1024 * 1024;
/** A free child beyond the usual number goes after this long. */
const IDLE_MS = 30_000;
/** When every child has been busy with one job for so long, a further one is started, up to twice the usual number. */
const STUCK_MS = 100;
/** Before a child is started in place of one that has gone. */
const RETRY_MS = 50;
/** A child is given as many jobs at once as it does in about this time, so that it need not wait for the parent after each. */
const AHEAD_MS = 5;
const MOST_AHEAD = 16;
/** Room for as many jobs as are done in about this time: on their way, in a child, and being reported. */
const ROOM_MS = 25;

/**
 * A warm pool of child processes for untrusted code. As many as there are cores serve quick jobs best; when long jobs hold all of them,
 * it grows to twice as many, so that a few endless loops don't stop everybody.
 */
export class Sandbox {
  /** Most children. */
  readonly most: number;
  readonly #usual: number;
  readonly #children = new Set<Child>();
  readonly #waiting: Assigned[] = [];
  readonly #roomy = new RoomyChildren();
  #paceMs = Infinity;
  #growth: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    slots: number,
    /** A child ended before it could take a job. */
    private readonly onStartFailed: () => void = () => undefined,
  ) {
    this.#usual = Math.max(1, Math.min(slots, availableParallelism()));
    this.most = Math.max(1, Math.min(slots, this.#usual * 2));
  }

  get children(): number {
    return this.#children.size + this.#roomy.size;
  }

  /** More jobs than this at a time would only wait for each other: one for each child, and more while jobs are quick. */
  get capacity(): number {
    return this.#isStuck ? this.most : this.most * Math.max(1, Math.floor(ROOM_MS / this.#paceMs));
  }

  /** Starts the first child ahead of the first job. */
  warm(): void {
    if (this.#children.size === 0) this.#grow();
  }

  /** Rejects only when `signal` aborts (with its reason) or the pool closes. */
  run(job: SandboxJob): Promise<JobOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<JobOutcome>();
    const { signal } = job;
    if (signal.aborted) return Promise.reject(signal.reason);
    const assigned: Assigned = { job, settle: resolve, reject };
    const isUsual = job.scope.length <= USUAL_SCOPE_CHARS;
    const queue = isUsual ? this.#waiting : this.#roomy.waiting;
    queue.push(assigned);
    const abort = (): void => {
      const at = queue.indexOf(assigned);
      if (at < 0) return;
      queue.splice(at, 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    if (isUsual) this.#assign();
    else this.#roomy.assign();
    return promise.finally(() => signal.removeEventListener('abort', abort));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#growth);
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('The sandbox is closed'));
    await Promise.all([this.#roomy.close(), ...[...this.#children].map((child) => child.kill())]);
  }

  get #isStuck(): boolean {
    return this.#children.size > 0 && [...this.#children].every((child) => child.busyMs >= STUCK_MS - 1);
  }

  #assign(): void {
    if (this.#isClosed) return;
    const depth = Math.max(1, Math.min(MOST_AHEAD, Math.floor(AHEAD_MS / this.#paceMs)));
    while (this.#waiting.length > 0) {
      const child = this.#leastBusy(depth);
      if (!child) break;
      child.give(this.#waiting.shift() as Assigned);
    }
    const starting = [...this.#children].filter((child) => child.isStarting).length;
    for (let short = this.#waiting.length - starting; short > 0 && this.#children.size < this.#usual; short--) this.#grow();
    this.#growth ??= this.#isLate ? setTimeout(() => this.#unblock(), STUCK_MS) : undefined;
  }

  /** Jobs wait, in the pool or behind another one in a child. */
  get #isLate(): boolean {
    return this.#waiting.length > 0 || [...this.#children].some((child) => child.load > 1);
  }

  /** Nothing may wait behind a job that takes long: what does is given to another child, to a new one if need be. */
  #unblock(): void {
    this.#growth = undefined;
    for (const child of this.#children) if (child.load > 1 && child.busyMs >= STUCK_MS - 1) this.#waiting.unshift(...child.takeBack());
    const isStarting = [...this.#children].some((child) => child.isStarting);
    if (!isStarting && this.#isStuck) for (let short = this.#waiting.length; short > 0 && this.#children.size < this.most; short--) this.#grow();
    this.#assign();
  }

  #leastBusy(depth: number): Child | undefined {
    let best: Child | undefined;
    for (const child of this.#children)
      if (child.hasRoom(depth) && (child.load === 0 || child.busyMs < STUCK_MS / 2) && child.load < (best?.load ?? Number.POSITIVE_INFINITY)) best = child;
    return best;
  }

  #grow(): void {
    let hasBeenReady = false;
    const child = new Child({
      onReady: () => {
        hasBeenReady = true;
        this.#assign();
      },
      onGone: (unbegun) => {
        this.#children.delete(child);
        if (this.#isClosed) for (const { reject } of unbegun) reject(new Error('The sandbox is closed'));
        else this.#waiting.unshift(...unbegun);
        // One that could not even start is tried again a little later.
        if (hasBeenReady) this.#assign();
        else if (!this.#isClosed) this.onStartFailed();
        setTimeout(() => {
          if (!this.#isClosed) this.warm();
          this.#assign();
        }, RETRY_MS);
      },
      onIdle: () => this.#children.size > this.#usual && void child.kill(),
      onPace: (ms) => {
        this.#paceMs = this.#paceMs === Infinity ? ms : this.#paceMs * 0.9 + ms * 0.1;
      },
      idleMs: IDLE_MS,
    });
    this.#children.add(child);
  }
}

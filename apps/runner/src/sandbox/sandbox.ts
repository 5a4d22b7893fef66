import { availableParallelism } from 'node:os';
import { type Assigned, Child } from './child-handle.js';
import type { ConsoleLevel, JobOutcome } from './job.js';
import { Paces } from './paces.js';
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
const MOST_AHEAD = 64;
/** A job waits so long behind others in a child before another child is woken for it. */
const NEAR_MS = 2;
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
  readonly #paces = new Paces();
  #paceMs = Infinity;
  #growth: NodeJS.Timeout | undefined;
  #isAssigning = false;
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
    const { signal } = job;
    if (signal.aborted) return Promise.reject(signal.reason);
    const { promise, resolve, reject } = Promise.withResolvers<JobOutcome>();
    const isUsual = job.scope.length <= USUAL_SCOPE_CHARS;
    const queue = isUsual ? this.#waiting : this.#roomy.waiting;
    const assigned: Assigned = {
      job,
      child: undefined,
      isQuick: this.#paces.isQuick(job.source),
      isSuspect: false,
      settle: (outcome) => {
        signal.removeEventListener('abort', abort);
        resolve(outcome);
      },
      reject: (reason) => {
        signal.removeEventListener('abort', abort);
        reject(reason);
      },
    };
    const abort = (): void => {
      const at = queue.indexOf(assigned);
      if (at >= 0) queue.splice(at, 1);
      assigned.child?.giveUp(assigned);
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    queue.push(assigned);
    if (isUsual) this.#assignSoon();
    else this.#roomy.assign();
    return promise;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#growth);
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('The sandbox is closed'));
    await Promise.all([this.#roomy.close(), ...[...this.#children].map((child) => child.kill())]);
  }

  get #isStuck(): boolean {
    for (const child of this.#children) if (child.busyMs < STUCK_MS - 1) return false;
    return this.#children.size > 0;
  }

  /** What has come together is given together, and no child passes for busy whose word has come but is not heard yet. */
  #assignSoon(): void {
    if (this.#isAssigning) return;
    this.#isAssigning = true;
    setImmediate(() => {
      this.#isAssigning = false;
      this.#assign();
    });
  }

  #assign(): void {
    if (this.#isClosed) return;
    const depth = Math.max(1, Math.min(MOST_AHEAD, Math.floor(AHEAD_MS / this.#paceMs)));
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const child = this.#childFor(next.isSuspect ? 1 : depth);
      if (!child) break;
      this.#waiting.shift();
      child.give(next);
    }
    if (this.#waiting.length > 0 && this.#children.size < this.#usual) {
      const starting = [...this.#children].filter((child) => child.isStarting).length;
      for (let short = this.#waiting.length - starting; short > 0 && this.#children.size < this.#usual; short--) this.#grow();
    }
    this.#growth ??= this.#isLate ? setTimeout(() => setImmediate(() => this.#unblock()), STUCK_MS) : undefined;
  }

  /** Jobs wait, in the pool or behind another one in a child. */
  get #isLate(): boolean {
    if (this.#waiting.length > 0) return true;
    for (const child of this.#children) if (child.load > 1) return true;
    return false;
  }

  /** Nothing may wait behind a job that takes long: what does is given to another child, to a new one if need be. */
  #unblock(): void {
    this.#growth = undefined;
    for (const child of this.#children) if (child.load > 1 && child.busyMs >= STUCK_MS - 1) this.#waiting.unshift(...child.takeBack());
    const isStarting = [...this.#children].some((child) => child.isStarting);
    if (!isStarting && this.#isStuck) for (let short = this.#waiting.length; short > 0 && this.#children.size < this.most; short--) this.#grow();
    this.#assign();
  }

  /** The busiest of those that get to it soon: each wake costs. Else the one with the fewest jobs. More than the usual number only where others are held. */
  #childFor(depth: number): Child | undefined {
    let best: Child | undefined;
    let usable = 0;
    for (const child of this.#children) {
      if (child.isStarting || (child.load > 0 && child.busyMs >= STUCK_MS / 2)) continue;
      if (++usable > this.#usual) break;
      if (!child.hasRoom(depth)) continue;
      if (!best || (this.#isNear(best) && this.#isNear(child) ? child.load > best.load : child.load < best.load)) best = child;
    }
    return best;
  }

  #isNear(child: Child): boolean {
    return child.load === 0 || child.load * this.#paceMs < NEAR_MS;
  }

  #grow(): void {
    let hasBeenReady = false;
    const child = new Child({
      onReady: () => {
        hasBeenReady = true;
        this.#assignSoon();
      },
      onGone: (unended) => {
        this.#children.delete(child);
        if (this.#isClosed) for (const { reject } of unended) reject(new Error('The sandbox is closed'));
        else this.#waiting.unshift(...unended);
        // One that could not even start is tried again a little later.
        if (hasBeenReady) this.#assign();
        else if (!this.#isClosed) this.onStartFailed();
        setTimeout(() => {
          if (!this.#isClosed) this.warm();
          this.#assign();
        }, RETRY_MS);
      },
      onIdle: () => this.#children.size > this.#usual && void child.kill(),
      onPace: (ms, source) => {
        this.#paces.note(source, ms);
        this.#paceMs = this.#paceMs === Infinity ? ms : this.#paceMs * 0.9 + ms * 0.1;
      },
      idleMs: IDLE_MS,
    });
    this.#children.add(child);
  }
}

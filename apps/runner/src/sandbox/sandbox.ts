import { availableParallelism } from 'node:os';
import { Child } from './child-handle.js';
import type { ConsoleLevel, JobOutcome } from './job.js';

export interface SandboxJob {
  readonly source: string;
  readonly scope: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  onLine(level: ConsoleLevel, text: string): void;
}

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
  #growth: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(slots: number) {
    this.#usual = Math.max(1, Math.min(slots, availableParallelism()));
    this.capacity = Math.max(1, Math.min(slots, this.#usual * 2));
  }

  get children(): number {
    return this.#children.size;
  }

  /** Starts the first child ahead of the first job. */
  warm(): void {
    if (this.#children.size === 0) this.#grow();
  }

  /** Rejects only when `signal` aborts (with its reason) or the pool closes. */
  run(job: SandboxJob): Promise<JobOutcome> {
    const { promise, resolve } = Promise.withResolvers<JobOutcome>();
    const waiting: Waiting = { job, settle: resolve };
    this.#waiting.push(waiting);
    job.signal.addEventListener(
      'abort',
      () => {
        const at = this.#waiting.indexOf(waiting);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        resolve(Promise.reject(job.signal.reason));
      },
      { once: true },
    );
    this.#assign();
    return promise;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#growth);
    for (const { settle } of this.#waiting.splice(0)) settle(Promise.reject(new Error('The sandbox is closed')));
    await Promise.all([...this.#children].map((child) => child.kill()));
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

import type { Logger } from '@runlog/platform';
import type { Checkpoint } from './checkpoint.js';
import { MemoryLost } from './halted.js';
import type { Live } from './live.js';
import type { Residents } from './residents.js';
import { pauseBefore } from './retrying.js';
import type { Flush, StateStore } from './state-store.js';

const shortestPeriodMs = 1_000;
/** Flushing takes at most one part in so many of the time: large states are written less often. */
const share = 20;

/** Stores what has changed, at most once a second; executions that began and ended in between cost one small row. */
export class WriteBehind {
  #writing: Promise<void> | undefined;
  #dueAt = performance.now() + shortestPeriodMs;
  #failures = 0;
  #outrun = false;
  #written: Live[] = [];

  constructor(
    private readonly store: StateStore,
    private readonly residents: Residents,
    private readonly claim: number,
    private readonly logger: Logger,
    private readonly onWritten: () => void = () => undefined,
  ) {}

  /** Milliseconds until `flush` should be called; undefined while there is nothing to do. @throws MemoryLost once a later claim has written. */
  get dueIn(): number | undefined {
    if (this.#outrun) throw new MemoryLost('a later claim has written the state of this partition');
    if (this.#writing || this.residents.dirtyCount === 0) return undefined;
    if (this.residents.isOverLimit && this.#failures === 0) return 0;
    return Math.max(0, this.#dueAt - performance.now());
  }

  /** Cuts off what has changed, then writes it in the background. Call it only while memory is exactly what the log has up to `point`. */
  async flush(point: Checkpoint): Promise<void> {
    const begun = performance.now();
    const flush = await this.store.prepare(this.residents.takeDirty());
    this.#writing = this.#write(flush, point, begun);
  }

  /** Memory is over its limit and can't be relieved before this has written. */
  get isPressed(): boolean {
    return this.residents.isOverLimit && (this.#writing !== undefined || this.#failures > 0);
  }

  /** Lets go of what has been stored. Only between batches: what a batch was loaded with stays until it is decided. */
  release(): void {
    const written = this.#written;
    this.#written = [];
    if (written.length > 0 || this.residents.isOverLimit) this.residents.release(written);
  }

  /** Nothing is being written any more. */
  async finished(): Promise<void> {
    await this.#writing;
  }

  async #write(flush: Flush, point: Checkpoint, begun: number): Promise<void> {
    try {
      if (await this.store.write(flush, this.claim, point)) this.#stored(flush);
      else this.#outrun = true;
      this.#failures = 0;
      this.#dueAt = Math.max(begun + shortestPeriodMs, performance.now() + (performance.now() - begun) * share);
    } catch (error) {
      this.logger.warn({ err: error, executions: flush.lives.length }, 'the state could not be stored and is tried again');
      this.#dueAt = performance.now() + Math.max(shortestPeriodMs, pauseBefore(++this.#failures));
      for (const [index, live] of flush.lives.entries()) {
        const fresh = flush.fresh[index] ?? [];
        live.freshOutputs.unshift(...fresh);
        // The transaction may have been committed all the same: should the execution end now, there are rows to delete.
        if (fresh.length > 0) live.hasStoredOutputs = true;
      }
      this.residents.restore(flush.lives);
    } finally {
      this.#writing = undefined;
      this.onWritten();
    }
  }

  #stored(flush: Flush): void {
    for (const [index, live] of flush.lives.entries()) {
      live.stored = flush.versions[index] ?? live.stored;
      if ((flush.fresh[index]?.length ?? 0) > 0) live.hasStoredOutputs = true;
    }
    this.#written.push(...flush.lives);
  }
}

import type { Batch } from '@runlog/event-log';
import type { Progress } from './progress.js';

/** A batch of this size is worth a statement of its own at any time. */
const FULL = 500;

/**
 * Keeps small batches apart, so that under load each statement carries more. A partition that was at rest is projected at once, and so is
 * one that a reader waits for.
 */
export class Pace {
  readonly #last = new Map<number, number>();

  constructor(
    private readonly progress: Progress,
    private readonly apartMs: () => number,
  ) {}

  /** Resolves when the batch is due. */
  async turn({ partition, records }: Batch): Promise<void> {
    const wait = (this.#last.get(partition) ?? 0) + this.apartMs() - performance.now();
    if (wait > 0 && records.length < FULL) await this.progress.collect(partition, wait);
    this.#last.set(partition, performance.now());
  }
}

import type { Freshness } from '@runlog/contract';
import { type EventLog, partitionOf } from '@runlog/event-log';
import type { Progress } from '../projection/progress.js';

/** Longest wait that a read may ask for. */
const LONGEST_WAIT_MS = 60_000;

/** Waits, bounded by the asked time, until the read models are where a read wants them. */
export class Freshening {
  constructor(
    private readonly log: EventLog,
    private readonly progress: Progress,
  ) {}

  /**
   * Runs `look` once the asked offset is projected, and again at each step of the partition until it says done, or time is up.
   * `look` gives what it found and whether that is fresh enough.
   */
  async until<Found>(
    executionId: string | undefined,
    fresh: Freshness | undefined,
    look: () => Promise<{ found: Found; enough: boolean }>,
  ): Promise<{ found: Found; stale: boolean }> {
    if (!fresh) return { found: (await look()).found, stale: false };
    const partition = fresh.partition ?? (executionId === undefined ? undefined : partitionOf(executionId, this.log.partitions('execution-events')));
    const timeout = AbortSignal.timeout(Math.min(Math.max(fresh.timeoutMs, 0), LONGEST_WAIT_MS));
    const { offset } = fresh;
    const reached = partition === undefined || offset === undefined || (await this.#reached(partition, offset, timeout));
    for (;;) {
      const seen = await look();
      if (seen.enough || partition === undefined) return { found: seen.found, stale: !seen.enough || !reached };
      if (timeout.aborted) return { found: seen.found, stale: true };
      await this.progress.moved(partition, timeout);
    }
  }

  /** Resolves once all partitions are projected up to where the log ends now, or when `signal` aborts. */
  async level(signal: AbortSignal): Promise<void> {
    const partitions = Array.from({ length: this.log.partitions('execution-events') }, (_, partition) => partition);
    await Promise.all(partitions.map(async (partition) => this.#reached(partition, await this.log.end('execution-events', partition), signal)));
  }

  async #reached(partition: number, offset: number, signal: AbortSignal): Promise<boolean> {
    while (this.progress.known(partition) < offset) {
      if (signal.aborted) return false;
      await this.progress.moved(partition, signal);
    }
    return true;
  }
}

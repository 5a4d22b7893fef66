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

  /**
   * What `look` finds once all partitions are projected up to where the log ends now, or `signal` aborts. At rest, which is the rule, that is
   * how it is already: the log is asked meanwhile.
   */
  async level<Found>(look: () => Promise<Found>, isAtRest: boolean, signal: AbortSignal): Promise<Found> {
    const partitions = Array.from({ length: this.log.partitions('execution-events') }, (_, partition) => partition);
    const known = partitions.map((partition) => this.progress.known(partition));
    const looking = Promise.all(partitions.map((partition) => this.log.end('execution-events', partition)));
    const [ends, found] = await Promise.all([looking, isAtRest ? look() : undefined]);
    if (found !== undefined && ends.every((end, partition) => (known[partition] as number) >= end)) return found;
    await Promise.all(ends.map((end, partition) => this.#reached(partition, end, signal)));
    return look();
  }

  async #reached(partition: number, offset: number, signal: AbortSignal): Promise<boolean> {
    while (this.progress.known(partition) < offset) {
      if (signal.aborted) return false;
      await this.progress.moved(partition, signal);
    }
    return true;
  }
}

import type { Freshness } from '@runlog/contract';
import { type EventLog, partitionOf } from '@runlog/event-log';
import type { Progress } from '../projection/progress.js';

/** Longest wait that a read may ask for. */
const LONGEST_WAIT_MS = 60_000;
/** Longest wait of who wants what is there. */
const LEVEL_WAIT_MS = 1_000;

/** How far the frames of an execution are stored. */
export class StoredFrames {
  constructor(
    private readonly log: EventLog,
    private readonly progress: Progress,
  ) {}

  /** Every frame of the execution below the offset that it resolves with is stored; waits, bounded, for the one that was asked for. */
  async to(executionId: string, { offset = 0, timeoutMs }: Pick<Freshness, 'offset' | 'timeoutMs'> = { timeoutMs: 0 }): Promise<number> {
    const partition = partitionOf(executionId, this.log.partitions('execution-frames'));
    const timeout = AbortSignal.timeout(Math.min(Math.max(timeoutMs, 0), LONGEST_WAIT_MS));
    while (this.progress.known(partition) < offset && !timeout.aborted) await this.progress.moved(partition, timeout);
    return this.progress.known(partition);
  }

  /** Resolves once what the log has of the execution now is stored, where this process stores it; others do not keep lines for long. */
  async level(executionId: string): Promise<void> {
    const partition = partitionOf(executionId, this.log.partitions('execution-frames'));
    if (this.progress.isOwn(partition)) await this.to(executionId, { offset: await this.log.end('execution-frames', partition), timeoutMs: LEVEL_WAIT_MS });
  }
}

import { type Batch, decodeJson, decodeOrDeadLetter, type EventLog, type Subscription } from '@runlog/event-log';
import type { Heartbeat } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import type { Runners } from './runners.js';

const PROOF_EVERY_MS = 500;
/** Heartbeats tell of seconds. */
const APART_MS = 50;

/** Follows `runner-heartbeats`, and proves again and again up to when it has read everything. */
export class HeartbeatReader {
  private tail: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly next = new Map<number, number>();
  private asking = false;
  private pending: { at: number; ends: readonly number[] } | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly runners: Runners,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    this.tail = await this.log.tail({
      topic: 'runner-heartbeats',
      start: async (partition) => {
        const end = await this.log.end('runner-heartbeats', partition);
        this.next.set(partition, end);
        return end;
      },
      apartMs: () => APART_MS,
      onBatch: (batch) => this.hear(batch),
    });
    this.timer = setInterval(() => void this.ask(), PROOF_EVERY_MS);
    await this.ask();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.tail?.stop();
  }

  private async hear(batch: Batch): Promise<void> {
    const heartbeats = await decodeOrDeadLetter(this.log, batch.records, (record) => decodeJson<Heartbeat>(record));
    const now = performance.now();
    for (const heartbeat of heartbeats) this.runners.hear(heartbeat, now);
    this.next.set(batch.partition, (batch.records.at(-1)?.offset ?? -1) + 1);
    this.prove();
  }

  private async ask(): Promise<void> {
    if (this.asking || this.pending) return this.prove();
    this.asking = true;
    try {
      const at = performance.now();
      const partitions = Array.from({ length: this.log.partitions('runner-heartbeats') }, (_, partition) => partition);
      const ends = await Promise.all(partitions.map((partition) => this.log.end('runner-heartbeats', partition)));
      this.pending = { at, ends };
      this.prove();
    } catch (error) {
      this.logger.warn({ err: error }, 'the end of the heartbeats is not known');
    } finally {
      this.asking = false;
    }
  }

  private prove(): void {
    const { pending } = this;
    if (!pending?.ends.every((end, partition) => (this.next.get(partition) ?? -1) >= end)) return;
    this.runners.prove(pending.at);
    this.pending = undefined;
  }
}

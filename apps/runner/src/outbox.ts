import type { EventLog, NewRecord, Topic, Urgency } from '@runlog/event-log';

interface Queued {
  readonly record: NewRecord;
  readonly bytes: number;
  readonly urgency: Urgency;
  sent(): void;
  failed(error: unknown): void;
}

/** One send takes at most this much, so that it fits the log's batch limit. */
const BATCH_BYTES = 512 * 1024;

/**
 * Records for one partition, in the order they were given: one send is in flight, the next collects meanwhile. A record may linger to
 * share its send with one that follows soon.
 */
class Lane {
  #queue: Queued[] = [];
  #isSending = false;
  #due = Infinity;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly log: Pick<EventLog, 'send'>,
    private readonly topic: Topic,
    private readonly partition: number,
  ) {}

  get length(): number {
    return this.#queue.length;
  }

  add(queued: Queued, lingerMs: number): void {
    this.#queue.push(queued);
    const due = Date.now() + lingerMs;
    if (due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    if (lingerMs === 0) queueMicrotask(() => void this.#flush());
    else this.#timer = setTimeout(() => void this.#flush(), lingerMs);
  }

  async #flush(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#queue.length > 0 && this.#due <= Date.now() + 1) {
      const batch = this.#take();
      try {
        const urgency = batch.every((queued) => queued.urgency === 'soon') ? 'soon' : 'now';
        await this.log.send([{ topic: this.topic, partition: this.partition, records: batch.map(({ record }) => record) }], urgency);
        for (const { sent } of batch) sent();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#isSending = false;
  }

  #take(): Queued[] {
    let count = 0;
    for (let bytes = 0; count < this.#queue.length; count++) {
      bytes += this.#queue[count]?.bytes ?? 0;
      if (count > 0 && bytes > BATCH_BYTES) break;
    }
    const batch = this.#queue.slice(0, count);
    this.#queue = this.#queue.slice(count);
    if (this.#queue.length === 0) this.#due = Infinity;
    return batch;
  }
}

/** What a runner sends on one topic. Per partition nothing overtakes, whatever the log's adapter does with concurrent sends. */
export class Outbox {
  readonly #lanes: readonly Lane[];

  constructor(log: Pick<EventLog, 'send' | 'partitions'>, topic: Topic) {
    this.#lanes = Array.from({ length: log.partitions(topic) }, (_, partition) => new Lane(log, topic, partition));
  }

  /** Records that wait to be sent. */
  get length(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.length, 0);
  }

  /** Resolves when the record is on the log. It lingers at most so long; anything in its partition that won't wait takes it along. */
  send(partition: number, record: NewRecord, lingerMs = 0, urgency: Urgency = 'now'): Promise<void> {
    return new Promise((sent, failed) => this.#lanes[partition]?.add({ record, bytes: record.value.length, urgency, sent, failed }, lingerMs));
  }
}

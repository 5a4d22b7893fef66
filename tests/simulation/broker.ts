import { createHash } from 'node:crypto';
import type { LogRecord, NewRecord, Topic } from '@runlog/event-log';

/** How many partitions each topic has here. */
export const partitionCounts: Readonly<Record<Topic, number>> = {
  'execution-commands': 2,
  'execution-events': 2,
  'command-replies': 1,
  'node-tasks': 2,
  'execution-frames': 1,
  'runner-heartbeats': 1,
  'dead-letters': 1,
};

/** Every topic, in memory. Takes what arrives, in the order in which it arrives; fencing is not its business. */
export class Broker {
  readonly #partitions = new Map<string, LogRecord[]>();
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #digest = createHash('sha256');
  readonly #watchers: ((record: LogRecord) => void)[] = [];

  constructor(private readonly clock: () => number) {}

  records(topic: Topic, partition: number): readonly LogRecord[] {
    return this.#of(`${topic}/${partition}`);
  }

  /** Gives the first one's offset. */
  append(topic: Topic, partition: number, records: readonly NewRecord[]): number {
    const place = `${topic}/${partition}`;
    const held = this.#of(place);
    const base = held.length;
    const at = this.clock();
    for (const { key, headers = {}, value } of records) {
      const record: LogRecord = { topic, partition, offset: held.length, key, headers, value: Buffer.from(value), at };
      held.push(record);
      this.#digest.update(`${place}@${record.offset}/${at}/${key}/${JSON.stringify(headers)}/`).update(record.value);
      for (const watch of this.#watchers) watch(record);
    }
    const waiting = this.#waiting.get(place);
    this.#waiting.delete(place);
    for (const wake of waiting ?? []) wake();
    return base;
  }

  /** Told of every record as it lands. */
  watch(watcher: (record: LogRecord) => void): void {
    this.#watchers.push(watcher);
  }

  /** Told once the partition has more. */
  onMore(topic: Topic, partition: number, wake: () => void): void {
    const place = `${topic}/${partition}`;
    const waiting = this.#waiting.get(place);
    if (waiting) waiting.push(wake);
    else this.#waiting.set(place, [wake]);
  }

  /** One hash of all that was ever written, in order. Call it once. */
  digest(): string {
    return this.#digest.digest('hex');
  }

  #of(place: string): LogRecord[] {
    let held = this.#partitions.get(place);
    if (!held) this.#partitions.set(place, (held = []));
    return held;
  }
}

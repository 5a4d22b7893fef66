import { type EventLog, encodeJson, type NewRecord, type Outgoing, partitionOf, type Topic } from '@runlog/event-log';
import type { NodeTask, Reply } from '@runlog/execution';

/** Something to send: a task to any runner, or a reply to the instance that asked or that a signal is for. */
export type FollowUp = { readonly task: NodeTask } | { readonly instance: string; readonly reply: Reply };

/** What leaves once the events it rests on are acknowledged, grouped by where it goes. */
export class FollowUps {
  #byPlace = new Map<string, { topic: Topic; partition: number; records: NewRecord[] }>();

  constructor(private readonly log: Pick<EventLog, 'partitions' | 'maxRecordBytes'>) {}

  get isEmpty(): boolean {
    return this.#byPlace.size === 0;
  }

  /** A task goes to any partition: whichever runner reads it passes it on when it has no room. */
  add(followUp: FollowUp): void {
    if ('task' in followUp) {
      const { task } = followUp;
      this.#put('node-tasks', Math.floor(Math.random() * this.log.partitions('node-tasks')), taskRecord(task, this.log.maxRecordBytes));
    } else {
      const { instance, reply } = followUp;
      this.#put('command-replies', partitionOf(instance, this.log.partitions('command-replies')), encodeJson(instance, reply));
    }
  }

  take(): Outgoing[] {
    const taken = [...this.#byPlace.values()];
    this.#byPlace = new Map();
    return taken;
  }

  #put(topic: Topic, partition: number, record: NewRecord): void {
    const place = `${topic}/${partition}`;
    const known = this.#byPlace.get(place);
    if (known) known.records.push(record);
    else this.#byPlace.set(place, { topic, partition, records: [record] });
  }
}

/** A task that no record holds goes without its leg; else it becomes one that only says so, and that its runner reports as the node's failure. */
const taskRecord = ({ leg, ...task }: NodeTask, limitBytes: number): NewRecord => {
  const record = encodeJson(task.executionId, leg ? { ...task, leg } : task);
  const bytes = record.value.length * 3 > limitBytes ? Buffer.byteLength(record.value) : 0;
  if (bytes <= limitBytes) return record;
  if (leg) return taskRecord(task, limitBytes);
  const message = `Expected what node '${task.node}' reads to take at most ${limitBytes} bytes, but it takes ${bytes}`;
  return encodeJson(task.executionId, { ...task, config: {}, scope: { input: null, nodes: {}, execution: null }, failure: { code: 'input_too_large', message } });
};

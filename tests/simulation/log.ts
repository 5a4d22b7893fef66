import type { EventLog, GroupReader, LogRecord, Outgoing, OwnerOptions, Subscription, TailReader, Topic, Urgency } from '@runlog/event-log';
import { Courier } from '../../libs/event-log/src/kafka/courier.js';
import { Fetching } from '../../libs/event-log/src/kafka/fetching.js';
import { handle } from '../../libs/event-log/src/kafka/handling.js';
import { bounded } from '../../libs/event-log/src/kafka/lane.js';
import type { Membership } from '../../libs/event-log/src/kafka/membership.js';
import { Offsets } from '../../libs/event-log/src/kafka/offsets.js';
import { KafkaOwnedPartition } from '../../libs/event-log/src/kafka/owned-partition.js';
import { maxRecordBytes } from '../../libs/event-log/src/kafka/records.js';
import { Sender } from '../../libs/event-log/src/kafka/sender.js';
import { type Broker, partitionCounts } from './broker.js';
import type { Groups, Member } from './groups.js';
import type { Host } from './host.js';
import { SimulatedWire } from './wire.js';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
/** An owner that the group has dropped for longer than this knows it by its silence. */
const silenceMs = 3_000;

interface Held {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** One process's log: the Kafka adapter's own owner, sender, readers and look-ups, on a simulated broker and simulated groups. */
export class SimulatedLog implements EventLog {
  readonly adapter = 'kafka';
  readonly maxRecordBytes = maxRecordBytes;
  readonly #wire: SimulatedWire;
  readonly #fetching: Fetching;
  readonly #courier: Courier;
  readonly #sender: Sender;
  readonly #ends: Offsets;
  readonly #begins: Offsets;

  constructor(
    private readonly host: Host,
    broker: Broker,
    private readonly groups: Groups,
    private readonly onBug: (error: unknown) => void,
  ) {
    this.#wire = new SimulatedWire(host, broker);
    this.#fetching = new Fetching(this.#wire.asWire);
    this.#courier = new Courier(this.#wire.asWire);
    this.#sender = new Sender(this.#wire.asWire, this.#courier);
    this.#ends = new Offsets(this.#wire.asWire, 'end');
    this.#begins = new Offsets(this.#wire.asWire, 'begin');
  }

  start = async (): Promise<void> => undefined;
  stop = async (): Promise<void> => undefined;
  healthy = async (): Promise<boolean> => true;
  serverVersion = async (): Promise<string> => 'simulated';
  topicId = async (topic: Topic): Promise<string> => `id-of-${topic}`;
  partitions = (topic: Topic): number => partitionCounts[topic];
  end = (topic: Topic, partition: number): Promise<number> => this.#ends.of(topic, partition);
  begin = (topic: Topic, partition: number): Promise<number> => this.#begins.of(topic, partition);

  async send(outgoing: readonly Outgoing[], urgency?: Urgency): Promise<void> {
    await this.#sender.room();
    await this.#sender.send(outgoing, urgency);
  }

  read(topic: Topic, partition: number, from: number, to: number): AsyncIterable<readonly LogRecord[]> {
    return bounded(this.#wire.asWire, topic, partition, from, to);
  }

  async tail({ topic, start, onBatch }: TailReader): Promise<Subscription> {
    const stop = this.#abortable();
    const starts = await Promise.all(
      Array.from({ length: this.partitions(topic) }, async (_, partition) => {
        const asked = await start(partition);
        return asked === 'end' ? this.end(topic, partition) : asked;
      }),
    );
    const running = starts.map((from, partition) => handle(this.#fetching, { topic, partition, maxRecords: 1_000, start: async () => from, onBatch }, stop.signal, silent));
    return {
      stop: async () => {
        stop.abort();
        await Promise.all(running);
      },
    };
  }

  async subscribe(reader: GroupReader): Promise<Subscription> {
    const group = `${reader.group}-${reader.topic}`;
    return this.#member(group, this.partitions(reader.topic), {
      run: async (partition, stop, member) => {
        const handling = {
          topic: reader.topic,
          partition,
          maxRecords: reader.maxRecords ?? 1_000,
          start: () => this.#startOf(reader, group, partition),
          onBatch: (batch: Parameters<GroupReader['onBatch']>[0]) => reader.onBatch(batch),
          onHandled: (next: number) => this.groups.commit(group, partition, next, member),
        };
        await handle(this.#fetching, handling, stop.signal, silent);
      },
      revoked: (partition) => reader.onRevoked?.(partition),
    });
  }

  async own(options: OwnerOptions): Promise<Subscription> {
    return this.#member(options.group, this.partitions('execution-commands'), {
      run: async (partition, stop, member) => {
        const membership = this.#membership(options.group, member);
        const owned = new KafkaOwnedPartition({
          partition,
          owner: this.host.name,
          signal: stop.signal,
          wire: this.#wire.asWire,
          fetching: this.#fetching,
          courier: this.#courier,
          sender: this.#sender,
          membership,
        });
        await options.run(owned).catch((error: unknown) => {
          if (!stop.signal.aborted) this.onBug(error);
        });
      },
      revoked: () => undefined,
    });
  }

  /** Takes what the group grants, gives up what it takes away; the same partition again only once it has come to rest. */
  #member(
    group: string,
    partitions: number,
    work: { run: (partition: number, stop: AbortController, member: Member) => Promise<void>; revoked: (partition: number) => void },
  ): Subscription {
    const held = new Map<number, Held>();
    const ending = new Map<number, Promise<void>>();
    const revoked = (partition: number): void => {
      const had = held.get(partition);
      if (!had) return;
      held.delete(partition);
      had.stop.abort();
      work.revoked(partition);
      ending.set(partition, had.done);
    };
    const member: Member = {
      host: this.host,
      revoked,
      granted: (partition) => {
        if (held.has(partition)) return;
        const stop = this.#abortable();
        const before = ending.get(partition);
        const run = async (): Promise<void> => {
          await before;
          if (!stop.signal.aborted) await work.run(partition, stop, member);
        };
        held.set(partition, { stop, done: run() });
      },
    };
    this.groups.join(group, partitions, member);
    return {
      stop: async () => {
        const last = [...held.values()];
        for (const partition of [...held.keys()]) revoked(partition);
        await Promise.all([...last.map(({ done }) => done), ...ending.values()]);
        this.groups.leave(group, member);
      },
    };
  }

  async #startOf(reader: GroupReader, group: string, partition: number): Promise<number> {
    const asked = await reader.start(partition);
    if (typeof asked === 'number') return asked;
    if (asked === 'end') return this.end(reader.topic, partition);
    return (asked === 'committed' ? this.groups.committed(group, partition) : undefined) ?? this.begin(reader.topic, partition);
  }

  /** What an owner asks of its membership: whether the group was heard lately, and its word. */
  #membership(group: string, member: Member): Membership {
    const { host, groups } = this;
    let droppedAt = Number.POSITIVE_INFINITY;
    const membership = {
      get isHeard(): boolean {
        if (groups.isMember(group, member)) droppedAt = Number.POSITIVE_INFINITY;
        else droppedAt = Math.min(droppedAt, host.time.now);
        return host.time.now - droppedAt < silenceMs;
      },
      word: (signal: AbortSignal): Promise<void> =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve(), { once: true });
          host.hear(host.weather.latency(host.time.now) * 2, resolve);
        }),
    };
    return membership as unknown as Membership;
  }

  #abortable(): AbortController {
    const stop = new AbortController();
    this.host.atEnd(() => stop.abort());
    return stop;
  }
}

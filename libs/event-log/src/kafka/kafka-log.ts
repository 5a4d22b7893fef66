import type { ISocketFactory } from 'kafkajs';
import { type Diagnostics, silent } from '../diagnostics.js';
import { withHopMarks } from '../hop-marks.js';
import type { EventLog, GroupReader, LogRecord, Outgoing, OwnerOptions, Subscription, TailReader, Urgency } from '../port.js';
import { declareTopics, defaultPartitionCounts, PartitionCountMismatch, type PartitionCounts, type Topic } from '../topics.js';
import { Courier } from './courier.js';
import { Fetching } from './fetching.js';
import { GroupReading, type ReadingParts } from './group-reading.js';
import { handle } from './handling.js';
import { brokerRelease, topicUuid } from './identity.js';
import { bounded } from './lane.js';
import { Offsets } from './offsets.js';
import { Owning } from './owning.js';
import { maxRecordBytes } from './records.js';
import { retrying } from './retry.js';
import { Sender } from './sender.js';
import { declareOnKafka } from './topic-set.js';
import { Wire } from './wire.js';

/** How to reach the cluster. */
export interface KafkaLogOptions {
  /** `host:port` of some brokers; the rest is learnt from them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly partitions?: PartitionCounts;
  /** Topics that exist keep the number of partitions that they have, whatever `partitions` says; else another number is an error. */
  readonly adoptsPartitions?: boolean;
  readonly logger?: Diagnostics;
  /** Replicas of topics made by this process. Default: `RUNLOG_KAFKA_REPLICATION`, or 1. */
  readonly replication?: number;
  /** A name that this process keeps over restarts and shares with nobody. Default: none. */
  readonly instance?: string;
  /** How to connect, if not plainly: TLS, or a proxy in tests. */
  readonly socketFactory?: ISocketFactory;
  /** How long `start` waits for a cluster that does not answer. Default 60 s. */
  readonly startWithinMs?: number;
  /** Told when an owner's `run` rejects, which is a bug. Default: thrown, so that the process ends. */
  readonly onBug?: (error: unknown) => void;
}

/** The log in Apache Kafka: for a cluster, and for one machine with a process per service. */
export const createKafkaLog = (options: KafkaLogOptions): EventLog => withHopMarks(new KafkaLog(options));

class KafkaLog implements EventLog {
  readonly adapter = 'kafka';
  readonly maxRecordBytes = maxRecordBytes;

  private readonly diagnostics: Diagnostics;
  private readonly wire: Wire;
  private readonly fetching: Fetching;
  private readonly courier: Courier;
  private readonly sender: Sender;
  private readonly ends: Offsets;
  private readonly begins: Offsets;
  private counts: ReadonlyMap<Topic, number>;
  private readonly subscriptions = new Set<Subscription>();
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: KafkaLogOptions) {
    this.diagnostics = options.logger ?? silent;
    this.wire = new Wire({ brokers: options.brokers, clientId: options.clientId, diagnostics: this.diagnostics, socketFactory: options.socketFactory });
    this.fetching = new Fetching(this.wire);
    this.courier = new Courier(this.wire);
    this.sender = new Sender(this.wire, this.courier);
    this.ends = new Offsets(this.wire, 'end');
    this.begins = new Offsets(this.wire, 'begin');
    this.counts = this.countsOf(this.asked());
  }

  async start(): Promise<void> {
    const replication = this.options.replication ?? Number(process.env.RUNLOG_KAFKA_REPLICATION ?? 1);
    let mismatch: PartitionCountMismatch | undefined;
    await this.wire.retrying(
      'declare topics',
      () =>
        declareOnKafka(this.wire, this.asked(), this.options.adoptsPartitions ?? false, replication).then(
          (counts) => (this.counts = this.countsOf(counts)),
          (error: unknown) => {
            if (!(error instanceof PartitionCountMismatch)) throw error;
            mismatch = error;
          },
        ),
      undefined,
      this.options.startWithinMs ?? 60_000,
    );
    if (mismatch) throw mismatch;
  }

  async serverVersion(): Promise<string> {
    return this.ask('tell the version', brokerRelease);
  }

  partitions(topic: Topic): number {
    return this.counts.get(topic) as number;
  }

  async topicId(topic: Topic): Promise<string> {
    return this.ask('tell the identity of a topic', (line) => topicUuid(line, topic));
  }

  end(topic: Topic, partition: number): Promise<number> {
    return this.ends.of(topic, partition);
  }

  begin(topic: Topic, partition: number): Promise<number> {
    return this.begins.of(topic, partition);
  }

  async send(outgoing: readonly Outgoing[], urgency?: Urgency): Promise<void> {
    await this.sender.room();
    await this.sender.send(outgoing, urgency);
  }

  read(topic: Topic, partition: number, from: number, to: number): AsyncIterable<readonly LogRecord[]> {
    return bounded(this.wire, topic, partition, from, to);
  }

  async subscribe(reader: GroupReader): Promise<Subscription> {
    const reading = new GroupReading(reader, this.partitions(reader.topic), this.readingParts());
    reading.start();
    return this.subscription(() => reading.stop());
  }

  async tail({ topic, start, apartMs, onBatch }: TailReader): Promise<Subscription> {
    const stop = new AbortController();
    const starts = await Promise.all(
      Array.from({ length: this.partitions(topic) }, async (_, partition) => {
        const asked = await start(partition);
        return asked === 'end' ? this.end(topic, partition) : asked;
      }),
    );
    const running = starts.map((from, partition) =>
      handle(this.fetching, { topic, partition, maxRecords: 1_000, apartMs, start: async () => from, onBatch }, stop.signal, this.diagnostics),
    );
    return this.subscription(async () => {
      stop.abort();
      await Promise.all(running);
    });
  }

  async own(options: OwnerOptions): Promise<Subscription> {
    const { wire, fetching, courier, sender, diagnostics } = this;
    const owning = new Owning(options, this.partitions('execution-commands'), {
      wire,
      fetching,
      courier,
      sender,
      diagnostics,
      instance: this.options.instance,
      onBug: (error, partition) => this.bug(error, partition),
    });
    owning.start();
    return this.subscription(() => owning.stop());
  }

  async healthy(): Promise<boolean> {
    const answered = retrying(() => this.ends.of('execution-events', 0), { withinMs: 0 }).then(
      () => true,
      () => false,
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), 2_000)));
    return Promise.race([answered, late]).finally(() => clearTimeout(timer));
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  private async shutDown(): Promise<void> {
    await Promise.all([...this.subscriptions].map((subscription) => subscription.stop()));
    await this.sender.close(3_000);
    this.courier.close();
    this.wire.close();
  }

  private subscription(end: () => Promise<void>): Subscription {
    let ending: Promise<void> | undefined;
    const subscription: Subscription = {
      stop: () => {
        this.subscriptions.delete(subscription);
        ending ??= end();
        return ending;
      },
    };
    this.subscriptions.add(subscription);
    return subscription;
  }

  private ask<T>(what: string, question: (line: Awaited<ReturnType<Wire['anyLine']>>) => Promise<T>): Promise<T> {
    const once = async () => {
      const line = await this.wire.anyLine();
      try {
        return await question(line);
      } finally {
        line.close();
      }
    };
    return this.wire.retrying(what, once, undefined, 10_000);
  }

  private readingParts(): ReadingParts {
    return { wire: this.wire, fetching: this.fetching, diagnostics: this.diagnostics, ends: this.ends, begins: this.begins, instance: this.options.instance };
  }

  private asked(): PartitionCounts {
    return this.options.partitions ?? defaultPartitionCounts;
  }

  private countsOf(counts: PartitionCounts): ReadonlyMap<Topic, number> {
    return new Map(declareTopics(counts).map(({ topic, partitions }) => [topic, partitions]));
  }

  private bug(error: unknown, partition: number): void {
    this.diagnostics.error({ err: error, partition }, "an owner's run has failed");
    const { onBug } = this.options;
    if (onBug) onBug(error);
    else
      setImmediate(() => {
        throw error;
      });
  }
}

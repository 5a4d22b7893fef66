import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { type Diagnostics, silent } from '../diagnostics.js';
import { withHopMarks } from '../hop-marks.js';
import type { EventLog, GroupReader, LogRecord, Outgoing, OwnerOptions, Subscription, TailReader, Urgency } from '../port.js';
import { defaultPartitionCounts, type PartitionCounts, type Topic } from '../topics.js';
import { Feeds } from './feeds.js';
import { GroupCommit } from './group-commit.js';
import { GroupProgress } from './group-progress.js';
import { atMost, Membership } from './membership.js';
import { PostgresOwnedPartition } from './owned-partition.js';
import { readOn } from './reading.js';
import { Records } from './records.js';
import { deleteExpired } from './retention.js';
import { declareSchema, type KnownTopic } from './schema.js';
import { Session } from './session.js';
import { inChunks, maxRecordBytes, measure } from './sizes.js';

/** How to reach the database, and what may differ in tests. */
export interface PostgresLogOptions {
  /** Where the database is: a connection string, or a pool whose settings are taken over (and which reads then share). */
  readonly connectionString?: string;
  readonly pool?: pg.Pool;
  readonly partitions?: PartitionCounts;
  /** Topics that exist keep the number of partitions that they have, whatever `partitions` says; else another number is an error. */
  readonly adoptsPartitions?: boolean;
  readonly logger?: Diagnostics;
  /** An answer to a write that takes longer counts as an unknown outcome. Default 15 s. */
  readonly writeTimeoutMs?: number;
  /** Instead of what `topics.json` says. */
  readonly retentionMs?: Partial<Record<Topic, number>>;
  /** How often expired records are deleted. Default every minute. */
  readonly retentionEveryMs?: number;
  /** Told when an owner's `run` rejects, which is a bug. Default: thrown, so that the process ends. */
  readonly onBug?: (error: unknown) => void;
}

const ownerGraceMs = 5_000;
/** A process that is frozen for this long loses its partitions to others. */
const silenceMs = 15_000;

/** Without the last one PostgreSQL plans most statements of each write anew, for arrays of just that length: the plans are the same. */
const writerSettings = 'set synchronous_commit = on; set jit = off; set plan_cache_mode = force_generic_plan';

/** The log in PostgreSQL: for one machine, beside the read models. */
export const createPostgresLog = (options: PostgresLogOptions): EventLog => withHopMarks(new PostgresLog(options));

class PostgresLog implements EventLog {
  readonly adapter = 'postgres';
  readonly maxRecordBytes = maxRecordBytes;

  private readonly diagnostics: Diagnostics;
  private readonly owner = randomUUID();
  private readonly pool: pg.Pool;
  private readonly writer: Session;
  private readonly commit: GroupCommit;
  private readonly records: Records;
  private readonly membership: Membership;
  private readonly progress: GroupProgress;
  private topics = new Map<Topic, KnownTopic>();
  private readonly feeds: Feeds;
  private readonly subscriptions = new Set<Subscription>();
  private retention: NodeJS.Timeout | undefined;
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: PostgresLogOptions) {
    this.diagnostics = options.logger ?? silent;
    const config: pg.ClientConfig = options.pool ? (options.pool.options as pg.ClientConfig) : { connectionString: options.connectionString };
    this.pool = options.pool ?? new pg.Pool({ ...config, max: 4, keepAlive: true, connectionTimeoutMillis: 5_000, query_timeout: 30_000 });
    if (!options.pool) this.pool.on('error', () => undefined);
    const named = (what: string) => ({ ...config, password: config.password, application_name: `runlog log ${what}` });
    this.writer = new Session(named('writer'), writerSettings);
    const membershipSession = new Session(named('member'), `set idle_session_timeout = ${silenceMs}`, () => this.membership.lost());
    this.membership = new Membership(membershipSession, this.diagnostics);
    this.feeds = new Feeds(this.pool, () => this.membership.othersPresent);
    this.records = new Records(this.pool, this.feeds);
    this.progress = new GroupProgress(this.pool, this.feeds);
    this.commit = new GroupCommit({
      session: this.writer,
      slotOf: ({ topic, partition }) => ({ topicNo: this.feeds.topic(topic).topicNo, partition }),
      onWritten: (written) => {
        for (const { slot, records } of written) this.feeds.push(slot, records);
      },
      timeoutMs: options.writeTimeoutMs ?? 15_000,
      diagnostics: this.diagnostics,
    });
  }

  async start(): Promise<void> {
    const { partitions = defaultPartitionCounts, adoptsPartitions = false, retentionMs } = this.options;
    const client = await this.connect();
    try {
      this.topics = await declareSchema(client, partitions, adoptsPartitions);
    } finally {
      client.release();
    }
    for (const [topic, known] of this.topics) this.topics.set(topic, { ...known, retentionMs: retentionMs?.[topic] ?? known.retentionMs });
    await this.feeds.start(this.topics);
    await this.membership.start();
    this.retention = setInterval(() => void this.expire(), this.options.retentionEveryMs ?? 60_000).unref();
  }

  async serverVersion(): Promise<string> {
    const { rows } = await this.pool.query('show server_version');
    return `PostgreSQL ${rows[0].server_version}`;
  }

  partitions(topic: Topic): number {
    return this.feeds.topic(topic).partitions;
  }

  async topicId(topic: Topic): Promise<string> {
    const { rows } = await this.pool.query('select topic_id from runlog_log.topics where topic = $1', [topic]);
    return rows[0]?.topic_id ?? '';
  }

  end(topic: Topic, partition: number): Promise<number> {
    return this.feeds.end(topic, partition);
  }

  begin(topic: Topic, partition: number): Promise<number> {
    return this.records.begin(topic, partition);
  }

  async send(outgoing: readonly Outgoing[], urgency: Urgency = 'now'): Promise<void> {
    for (const { records } of outgoing) measure(records);
    await this.commit.room();
    await Promise.all(
      outgoing.flatMap((one) =>
        inChunks(one.records).map(async (records) => {
          const slot = this.feeds.slot(one);
          await this.commit.write({ parts: [{ topic: one.topic, partition: one.partition, slot, records }], ...measure(records), exclusive: false, urgency });
        }),
      ),
    );
  }

  read(topic: Topic, partition: number, from: number, to: number): AsyncIterable<readonly LogRecord[]> {
    return this.records.slice(topic, partition, from, to);
  }

  async subscribe(reader: GroupReader): Promise<Subscription> {
    const { topic, group } = reader;
    const membership = await this.membership.join(`${group}/${topic}`, this.partitions(topic), {
      grant: (partition) => {
        const stop = new AbortController();
        const start = () => this.resolveStart(reader, partition);
        const onHandled = (next: number) => this.progress.mark(group, topic, partition, next);
        const done = this.readOn({ topic, partition, maxRecords: reader.maxRecords ?? 1_000, start, onBatch: (batch) => reader.onBatch(batch), onHandled }, stop.signal);
        return {
          end: async (lost) => {
            stop.abort();
            if (lost) reader.onRevoked?.(partition);
            await done;
            if (lost) this.progress.drop(group, topic, partition);
            else {
              // Progress is a hint: whoever comes next reads again what this could not write.
              await this.progress.flush().catch(() => undefined);
              reader.onRevoked?.(partition);
            }
          },
        };
      },
    });
    return this.subscription(() => membership.leave());
  }

  async tail(reader: TailReader): Promise<Subscription> {
    const stop = new AbortController();
    const { topic } = reader;
    const done = Array.from({ length: this.partitions(topic) }, async (_, partition) => {
      const asked = await reader.start(partition);
      const offset = asked === 'end' ? await this.end(topic, partition) : asked;
      return () => this.readOn({ topic, partition, maxRecords: 1_000, start: async () => offset, onBatch: (batch) => reader.onBatch(batch) }, stop.signal);
    });
    const running = (await Promise.all(done)).map((run) => run());
    return this.subscription(async () => {
      stop.abort();
      await Promise.all(running);
    });
  }

  async own({ group, run }: OwnerOptions): Promise<Subscription> {
    const membership = await this.membership.join(`${group}/execution-commands`, this.partitions('execution-commands'), {
      grant: (partition) => {
        const stop = new AbortController();
        const owned = new PostgresOwnedPartition({
          partition,
          owner: this.owner,
          signal: stop.signal,
          commit: this.commit,
          records: this.records,
          slot: (one) => this.feeds.slot(one),
          confirm: () => this.membership.confirm(),
        });
        const done = run(owned).catch((error: unknown) => {
          if (!stop.signal.aborted) this.bug(error, partition);
        });
        return {
          end: async () => {
            stop.abort();
            await atMost(done, ownerGraceMs);
          },
        };
      },
    });
    return this.subscription(() => membership.leave());
  }

  async healthy(): Promise<boolean> {
    // Whether it is connected then is the answer.
    if (!this.writer.connected) await this.writer.query({ text: 'select 1' }, 1_000).catch(() => undefined);
    return Promise.race([
      this.pool.query('select 1').then(
        () => this.writer.connected,
        () => false,
      ),
      delay(2_000, false, { ref: false }),
    ]);
  }

  stop(): Promise<void> {
    this.stopping ??= this.shutDown();
    return this.stopping;
  }

  private async shutDown(): Promise<void> {
    clearInterval(this.retention);
    this.feeds.stop();
    await Promise.all([...this.subscriptions].map((subscription) => subscription.stop()));
    await this.commit.close(5_000);
    await this.progress.close();
    await this.membership.stop();
    await this.writer.close();
    if (!this.options.pool) await this.pool.end();
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

  private readOn(reading: Parameters<typeof readOn>[0], signal: AbortSignal): Promise<void> {
    const { topic, partition } = reading;
    return readOn(reading, this.records, () => this.end(topic, partition), signal, this.diagnostics);
  }

  private async resolveStart({ topic, group, start }: GroupReader, partition: number): Promise<number> {
    const asked = await start(partition);
    if (typeof asked === 'number') return asked;
    if (asked === 'end') return this.end(topic, partition);
    const committed = asked === 'committed' ? await this.progress.read(group, topic, partition) : undefined;
    return committed ?? (await this.begin(topic, partition));
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

  private async expire(): Promise<void> {
    try {
      const deleted = await deleteExpired(this.pool, this.topics.values(), Date.now());
      if (deleted > 0) this.diagnostics.info({ records: deleted }, 'expired records deleted');
    } catch (error) {
      this.diagnostics.warn({ err: error }, 'expired records were not deleted; tried again later');
    }
  }

  /** A database that is just starting is waited for. */
  private async connect(): Promise<pg.PoolClient> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.pool.connect();
      } catch (error) {
        if (attempt === 50) throw error;
        await delay(200);
      }
    }
  }
}

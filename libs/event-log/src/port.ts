/**
 * The log that everything rests on. Two adapters, `kafka` and `postgres`, pass one contract suite.
 * Offsets are gapless per partition from the writers' view; every record has exactly one offset.
 */
import type { Topic } from './topics.js';

/** A record as it stands on the log. `at` is the append time in milliseconds UTC; `value` is never interpreted here. */
export interface LogRecord {
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
  /** The value as text, from an adapter that has it at hand: bytes would be made of it. */
  readonly text?: string | undefined;
  readonly at: number;
}

/** A record to append. Headers are short strings; the value is at most `maxRecordBytes`. */
export interface NewRecord {
  readonly key: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly value: Buffer | string;
}

/** Records for one partition of one topic. */
export interface Outgoing {
  readonly topic: Topic;
  readonly partition: number;
  readonly records: readonly NewRecord[];
}

/** `soon`: nobody waits for it. An adapter may keep it for a few milliseconds, to share the commit of a write that somebody waits for. */
export type Urgency = 'now' | 'soon';

/** Where a reader stands: `offset` is the next one to read. `claim` and `previous` belong to the events topic (see claims.ts). */
export interface Position {
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  /** Offset of the claim in force at `offset`, or -1 before any claim. */
  readonly claim: number;
  /** Offset-and-id witness of the record before `offset`: the `ce_id` header (or '' where there is none). */
  readonly previous: string;
}

export interface Batch {
  readonly topic: Topic;
  readonly partition: number;
  /** In offset order, without a gap, at least one. */
  readonly records: readonly LogRecord[];
  /** The partition's end as known when the batch was fetched; `end - last offset - 1` is the lag. */
  readonly end: number;
}

export interface Subscription {
  /** Finishes the batch in flight, gives up its partitions, resolves when nothing more will be handled. */
  stop(): Promise<void>;
}

/** How soon a reader wants to know. */
interface Patience {
  /**
   * It does well with batches this far apart, ms, asked before each one: then the log is asked less often while much is written, and batches
   * are larger. What comes after a rest is handed over at once all the same. A hint that an adapter may ignore; default 0.
   */
  apartMs?(): number;
}

export interface GroupReader extends Patience {
  readonly topic: Topic;
  readonly group: string;
  /**
   * Asked once for each partition granted to this member. A number is the next offset to read;
   * 'committed' goes on where the group's last handled batch ended (the log keeps that progress), 'start' and 'end' as they say.
   */
  start(partition: number): Promise<number | 'committed' | 'start' | 'end'>;
  /**
   * Handled strictly in order per partition, partitions side by side. Rejecting means infrastructure is down: the same
   * batch is handed over again with backoff, for ever, and only that partition waits.
   */
  onBatch(batch: Batch): Promise<void>;
  /** The partition now belongs to somebody else, or is about to: drop what is held for it. */
  onRevoked?(partition: number): void;
  /** At most this many records a batch; default 1,000. */
  maxRecords?: number;
}

export interface TailReader extends Patience {
  readonly topic: Topic;
  /** Every partition is read, without a group. Next offset to read per partition, or 'end'. */
  start(partition: number): Promise<number | 'end'>;
  /** Same rules as in a group: in order, handed over again when it rejects. */
  onBatch(batch: Batch): Promise<void>;
}

/** The owner of `execution-commands` p and `execution-events` p together, from grant to revocation. */
export interface OwnedPartition {
  readonly partition: number;
  /** Aborted when this member no longer owns the partition: stop at once, nothing decided may leave. */
  readonly signal: AbortSignal;
  /** Events that nobody waits for are best kept by the caller for so long, ms, and appended together with what comes meanwhile. Default 0. */
  readonly lingerMs?: number;
  /**
   * Appends a claim record to events p, with a fresh producer if the last outcome was a failure, again and again until one is acknowledged.
   * Resolves with the claim's offset. Rejects only when the partition is revoked. It waits for the group's word after a foreign claim.
   */
  claim(): Promise<number>;
  /**
   * Appends events under the claim in force, as one atomic batch, and then sends `followUps` (tasks, replies; never before the events
   * are durable; an adapter may write both in one transaction). One call at a time per partition.
   * Rejects with `AppendLost` whenever the outcome is anything but "landed where expected under my claim": the caller must drop all
   * memory of the partition and claim again.
   */
  append(records: readonly NewRecord[], followUps?: readonly Outgoing[], urgency?: Urgency): Promise<{ baseOffset: number }>;
  /** Reads events p from `from` up to (not including) `to`, in batches. */
  readEvents(from: number, to: number): AsyncIterable<readonly LogRecord[]>;
  /** Commands p from `from` on, live, until `signal` aborts. Pull-based: nothing is fetched far ahead of the consumer. */
  commands(from: number): AsyncIterable<readonly LogRecord[]>;
}

export interface OwnerOptions {
  readonly group: string;
  /** Runs for as long as the partition is owned; must return soon after `owned.signal` aborts. A rejection is a bug: it is logged and the process must stop. */
  run(owned: OwnedPartition): Promise<void>;
}

export interface EventLog {
  readonly adapter: 'kafka' | 'postgres';
  /** A record's value may have at most this many bytes; a larger one rejects with `RecordTooLarge` and nothing is written. */
  readonly maxRecordBytes: number;
  /** Connects, declares the topics of `topics.ts` if missing, checks partition counts against the declaration. */
  start(): Promise<void>;
  /** Name and version as the server itself reports them, e.g. `Apache Kafka 4.1.0`. */
  serverVersion(): Promise<string>;
  partitions(topic: Topic): number;
  /** Identity of the topic: changes when it is deleted and made anew. */
  topicId(topic: Topic): Promise<string>;
  /** The next offset to be written. Calls within a few milliseconds share one look-up. */
  end(topic: Topic, partition: number): Promise<number>;
  /** The lowest offset still kept. */
  begin(topic: Topic, partition: number): Promise<number>;
  /** Appends outside of any claim, retried until acknowledged: a record may appear more than once, never not at all once this resolves. Concurrent calls share one batch. */
  send(outgoing: readonly Outgoing[], urgency?: Urgency): Promise<void>;
  /** Bounded read of any topic. */
  read(topic: Topic, partition: number, from: number, to: number): AsyncIterable<readonly LogRecord[]>;
  subscribe(reader: GroupReader): Promise<Subscription>;
  tail(reader: TailReader): Promise<Subscription>;
  own(options: OwnerOptions): Promise<Subscription>;
  /** True while the log answers; feeds `/health/ready`. */
  healthy(): Promise<boolean>;
  /** Stops every subscription, then disconnects. */
  stop(): Promise<void>;
}

/** An append whose outcome is not "landed where expected under my claim". Its records may be on the log, void. */
export class AppendLost extends Error {
  constructor(
    readonly partition: number,
    because: string,
    options?: ErrorOptions,
  ) {
    super(`Expected to append to partition ${partition} under this owner's claim, but ${because}; the owner claims again`, options);
  }
}

/** The value is larger than the log takes; nothing was written. */
export class RecordTooLarge extends Error {
  constructor(
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(`Expected a record of at most ${limit} bytes, but got ${bytes}; larger bodies belong in the artifact store`);
  }
}

/** Stored progress that does not fit the log: a wiped or restored broker or database. Never papered over. */
export class ProgressMismatch extends Error {}

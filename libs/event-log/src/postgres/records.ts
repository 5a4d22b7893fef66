import type pg from 'pg';
import { pause } from '../pause.js';
import type { LogRecord } from '../port.js';
import type { Topic } from '../topics.js';
import type { Follower } from './feed.js';
import type { Feeds } from './feeds.js';
import { StoredRecord } from './postgres-record.js';

const fetchBytes = 2 * 1024 * 1024;

interface Row {
  readonly offset: string;
  readonly at: string;
  readonly key: string;
  readonly headers: string;
  readonly value: Buffer;
}

/** Reads partitions, from the memory of their feed where it reaches, else from the table. */
export class Records {
  constructor(
    private readonly pool: pg.Pool,
    private readonly feeds: Feeds,
  ) {}

  /** Up to `max` records, and not many more bytes than a batch is meant for, from [from, to). None only when there are none. */
  async fetch(topic: Topic, partition: number, from: number, to: number, max: number): Promise<LogRecord[]> {
    const { rows } = await this.pool.query<Row>({
      name: 'runlog-log-read',
      text: `select "offset", at, key, headers, value from (
          select "offset", at, key, headers, value, sum(octet_length(value)) over (order by "offset") - octet_length(value) as before
          from (select * from runlog_log.records where topic_no = $1 and partition = $2 and "offset" >= $3 and "offset" < $4 order by "offset" limit $5) as slice
        ) as sized where before < $6 order by "offset"`,
      values: [this.feeds.topic(topic).topicNo, partition, from, to, max, fetchBytes],
    });
    return rows.map((row) => new StoredRecord(topic, partition, Number(row.offset), row.key, row.headers, row.value, Number(row.at)));
  }

  /** The lowest offset still kept. */
  async begin(topic: Topic, partition: number): Promise<number> {
    const { rows } = await this.pool.query('select first from runlog_log.partitions where topic_no = $1 and partition = $2', [this.feeds.topic(topic).topicNo, partition]);
    return Number(rows[0]?.first ?? 0);
  }

  /** A reader from `from` on, until it leaves or `signal` aborts: the feed keeps what it still needs. */
  follow(topic: Topic, partition: number, from: number, signal: AbortSignal): Follower {
    return this.feeds.of(topic, partition).follow(from, signal);
  }

  /** Waits for the records that `follower` needs next, and moves it behind them; an unreachable database is waited out. Empty once its signal has aborted. */
  async next(topic: Topic, partition: number, follower: Follower, max: number): Promise<readonly LogRecord[]> {
    const { feed, signal } = follower;
    for (let backoff = 20; !signal.aborted; ) {
      const { at } = follower;
      let found = feed.take(at, max);
      if (!found && feed.end <= at) {
        await follower.beyond();
        continue;
      }
      try {
        found ??= await this.fetch(topic, partition, at, Number.MAX_SAFE_INTEGER, max);
        const last = found.at(-1);
        if (last) {
          follower.at = last.offset + 1;
          return signal.aborted ? [] : found;
        }
        // The end is beyond, and yet there is nothing: what was there has expired.
        const begin = await this.begin(topic, partition);
        if (begin > at) follower.at = begin;
        else await pause(backoff, signal);
      } catch {
        await pause(backoff, signal);
        backoff = Math.min(backoff * 2, 1_000);
      }
    }
    return [];
  }

  /** [from, to) as far as it is written. @throws when the database stays unreachable for longer than `patienceMs`. */
  async *slice(topic: Topic, partition: number, from: number, to: number, signal?: AbortSignal, patienceMs = 10_000): AsyncGenerator<readonly LogRecord[]> {
    let backoff = 20;
    let deadline: number | undefined;
    for (let at = from; at < to && !signal?.aborted; ) {
      let found: LogRecord[] | undefined = this.feeds.of(topic, partition).take(at, Math.min(1_000, to - at));
      try {
        found ??= await this.fetch(topic, partition, at, to, 1_000);
        deadline = undefined;
        backoff = 20;
      } catch (error) {
        deadline ??= Date.now() + patienceMs;
        if (!signal && Date.now() > deadline) throw error;
        await pause(backoff);
        backoff = Math.min(backoff * 2, 1_000);
        continue;
      }
      const last = found.at(-1);
      if (!last) return;
      yield found;
      at = last.offset + 1;
    }
  }
}

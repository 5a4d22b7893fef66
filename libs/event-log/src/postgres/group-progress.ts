import type pg from 'pg';
import type { Topic } from '../topics.js';
import type { Feeds } from './feeds.js';

const flushMs = 200;

interface Mark {
  readonly group: string;
  readonly topic: Topic;
  readonly partition: number;
  readonly next: number;
}

/** How far each group has handled each partition; written behind, so that a crash repeats the last moments and loses nothing. */
export class GroupProgress {
  private dirty = new Map<string, Mark>();
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly pool: pg.Pool,
    private readonly feeds: Feeds,
  ) {}

  async read(group: string, topic: Topic, partition: number): Promise<number | undefined> {
    const { rows } = await this.pool.query('select next from runlog_log.progress where consumer = $1 and topic_no = $2 and partition = $3', [
      group,
      this.feeds.topic(topic).topicNo,
      partition,
    ]);
    return rows[0] && Number(rows[0].next);
  }

  /** Progress is a hint: what is lost is read again by whoever goes on, so that a failure to write it is nobody's but `flush`'s caller's. */
  mark(group: string, topic: Topic, partition: number, next: number): void {
    this.dirty.set(`${group}/${topic}/${partition}`, { group, topic, partition, next });
    this.timer ??= setTimeout(() => void this.flush().catch(() => undefined), flushMs);
  }

  /** Writes what is marked. What can't be written stays marked. */
  flush(): Promise<void> {
    // Its caller heard of the one before, and what it could not write is written now.
    this.writing = this.writing.catch(() => undefined).then(() => this.write());
    return this.writing;
  }

  private async write(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const marks = [...this.dirty];
    if (marks.length === 0) return;
    this.dirty = new Map();
    try {
      await this.pool.query(
        `insert into runlog_log.progress (consumer, topic_no, partition, next)
         select * from unnest($1::text[], $2::smallint[], $3::smallint[], $4::bigint[]) as m(consumer, topic_no, partition, next) order by 1, 2, 3
         on conflict (consumer, topic_no, partition) do update set next = excluded.next`,
        [
          marks.map(([, mark]) => mark.group),
          marks.map(([, mark]) => this.feeds.topic(mark.topic).topicNo),
          marks.map(([, mark]) => mark.partition),
          marks.map(([, mark]) => mark.next),
        ],
      );
    } catch (error) {
      for (const [key, mark] of marks) if (!this.dirty.has(key)) this.dirty.set(key, mark);
      this.timer ??= setTimeout(() => void this.flush().catch(() => undefined), flushMs);
      throw error;
    }
  }

  /** Forgets marks that this process may no longer make. */
  drop(group: string, topic: Topic, partition: number): void {
    this.dirty.delete(`${group}/${topic}/${partition}`);
  }

  async close(): Promise<void> {
    await this.flush().catch(() => undefined);
    clearTimeout(this.timer);
  }
}

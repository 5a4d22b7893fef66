import type pg from 'pg';
import type { LogRecord } from '../port.js';
import type { Topic } from '../topics.js';
import { Feed } from './feed.js';
import type { KnownTopic } from './schema.js';

/** Where a partition's feed stands among all; topics have fewer partitions than this. */
const partitionsPerTopic = 4_096;
const aloneTicks = 5;
const pollMs = 50;

/** The feeds of all partitions, and what keeps their ends true. */
export class Feeds {
  private topics: ReadonlyMap<Topic, KnownTopic> = new Map();
  private readonly feeds: Feed[] = [];
  private lookUp: Promise<number[]> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private polling = false;
  private polls = 0;

  /** @param othersPresent whether another process may be writing. */
  constructor(
    private readonly pool: pg.Pool,
    private readonly othersPresent: () => boolean,
  ) {}

  async start(topics: ReadonlyMap<Topic, KnownTopic>): Promise<void> {
    this.topics = topics;
    (await this.readEnds()).forEach((end, slot) => (this.feeds[slot] = new Feed(end)));
    this.timer = setInterval(() => void this.poll(), pollMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  topic(topic: Topic): KnownTopic {
    const known = this.topics.get(topic);
    if (!known) throw new Error(`Expected to use topic '${topic}', but the log is not started`);
    return known;
  }

  /** @throws RangeError when there is no such partition. */
  slot({ topic, partition }: { readonly topic: Topic; readonly partition: number }): number {
    const { topicNo, partitions } = this.topic(topic);
    if (!(partition >= 0 && partition < partitions)) throw new RangeError(`Expected a partition of '${topic}' below ${partitions}, but got ${partition}`);
    return topicNo * partitionsPerTopic + partition;
  }

  of(topic: Topic, partition: number): Feed {
    return this.feeds[this.slot({ topic, partition })] as Feed;
  }

  push(slot: number, records: readonly LogRecord[]): void {
    this.feeds[slot]?.push(records);
  }

  /** The end as the database has it. Calls of one turn of the event loop share a look-up. */
  async end(topic: Topic, partition: number): Promise<number> {
    const slot = this.slot({ topic, partition });
    this.lookUp ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      this.lookUp = undefined;
      return this.readEnds();
    });
    const end = (await this.lookUp)[slot] as number;
    this.feeds[slot]?.advance(end);
    return end;
  }

  private async readEnds(): Promise<number[]> {
    const { rows } = await this.pool.query<{ topic_no: number; partition: number; next: string }>({
      name: 'runlog-log-ends',
      text: 'select topic_no, partition, next from runlog_log.partitions',
    });
    const ends: number[] = [];
    for (const row of rows) ends[row.topic_no * partitionsPerTopic + row.partition] = Number(row.next);
    return ends;
  }

  /** What other processes have written. Alone, it only looks now and then. */
  private async poll(): Promise<void> {
    if (this.polling || (!this.othersPresent() && ++this.polls % aloneTicks !== 0)) return;
    this.polling = true;
    try {
      (await this.readEnds()).forEach((end, slot) => this.feeds[slot]?.advance(end));
    } catch {
      // The next look finds what this one missed.
    } finally {
      this.polling = false;
    }
  }
}

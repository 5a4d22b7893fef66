import { type Batch, type LogRecord, ProgressMismatch } from '../port.js';
import type { Topic } from '../topics.js';
import { FetchSession, pieceBytes } from './fetch-session.js';
import type { Fetching } from './fetching.js';
import type { Line } from './line.js';
import { type Fetched, type Place, slotOf } from './requests.js';
import type { Wire } from './wire.js';

/** One reader's way through one partition. */
export interface LaneOptions {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: number;
  readonly maxRecords: number;
  /** Ends the lane at once, a waiting fetch included. */
  readonly signal: AbortSignal;
  /** How far apart its batches may be, ms. Default 0. */
  readonly apartMs?: (() => number) | undefined;
}

const eager = () => 0;

const isOutOfRange = (error: unknown): boolean => (error as { type?: string }).type === 'OFFSET_OUT_OF_RANGE';

/**
 * A partition's records from an offset on, live. What has arrived meanwhile is one batch; less than two pieces are held ahead of the consumer.
 * Infrastructure failures are waited out. @throws ProgressMismatch when the log no longer has what comes next.
 */
export async function* live(fetching: Fetching, options: LaneOptions): AsyncGenerator<Batch> {
  const { topic, partition, maxRecords, signal } = options;
  if (signal.aborted) return;
  const lane = new Lane(fetching.wire, options);
  const close = () => lane.close();
  signal.addEventListener('abort', close, { once: true });
  try {
    void fetching.place(lane);
    for (;;) {
      const records = await lane.next(maxRecords);
      if (!records) return;
      yield { topic, partition, records, end: Math.max(lane.end, (records.at(-1)?.offset as number) + 1) };
    }
  } finally {
    signal.removeEventListener('abort', close);
    lane.close();
  }
}

/** Whoever feeds a lane. */
interface Feed {
  readonly hungry: () => void;
  readonly closed: () => void;
}

export class Lane {
  readonly topic: Topic;
  readonly partition: number;
  readonly slot: string;
  readonly signal: AbortSignal;
  readonly apartMs: () => number;
  /** What to fetch next. */
  offset: number;
  end: number;
  isClosed = false;
  /** How often in a row the way to its broker broke. */
  failures = 0;
  feed: Feed | undefined;
  private readonly pieces: Fetched[] = [];
  private taken = 0;
  private held = 0;
  private isSettling = false;
  private failure: Error | undefined;
  private arrived: () => void = () => undefined;

  constructor(
    private readonly wire: Wire,
    { topic, partition, from, signal, apartMs = eager }: LaneOptions,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.slot = slotOf({ topic, partition });
    this.signal = signal;
    this.apartMs = apartMs;
    this.offset = from;
    this.end = from;
  }

  /** It has room for another piece. */
  get isHungry(): boolean {
    return this.held < pieceBytes && !this.isSettling && !this.failure;
  }

  take({ records, next, end, bytes }: Fetched): void {
    this.failures = 0;
    this.end = end;
    if (next <= this.offset) return;
    const fresh = (records[0]?.offset ?? 0) < this.offset ? records.filter(({ offset }) => offset >= this.offset) : records;
    this.offset = next;
    if (fresh.length === 0) return;
    this.pieces.push({ records: fresh, next, end, bytes });
    this.held += bytes;
    this.arrived();
  }

  /** True: it needs another broker. */
  fails(error: Error): boolean {
    if (!isOutOfRange(error)) {
      this.wire.forget();
      this.wire.report(`read ${this.slot}`, error);
      return true;
    }
    if (this.isSettling) return false;
    this.isSettling = true;
    this.settle().then(
      () => {
        this.isSettling = false;
        this.feed?.hungry();
      },
      (failure: Error) => {
        this.isSettling = false;
        if (failure instanceof ProgressMismatch) this.failure = failure;
        this.arrived();
        this.feed?.hungry();
      },
    );
    return false;
  }

  /** What has arrived, at most so many records; none once it is closed. */
  async next(maxRecords: number): Promise<readonly LogRecord[] | undefined> {
    while (this.pieces.length === 0 && !this.isClosed) {
      if (this.failure) throw this.failure;
      await new Promise<void>((resolve) => (this.arrived = resolve));
    }
    if (this.isClosed) return undefined;
    const wasHungry = this.isHungry;
    const records = this.pick(maxRecords);
    if (!wasHungry && this.isHungry) this.feed?.hungry();
    return records;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.feed?.closed();
    this.feed = undefined;
    this.arrived();
  }

  private pick(maxRecords: number): readonly LogRecord[] {
    const picked: LogRecord[] = [];
    for (let piece = this.pieces[0]; piece && picked.length < maxRecords; piece = this.pieces[0]) {
      const until = Math.min(piece.records.length, this.taken + maxRecords - picked.length);
      for (; this.taken < until; this.taken++) picked.push(piece.records[this.taken] as LogRecord);
      if (this.taken < piece.records.length) break;
      this.pieces.shift();
      this.taken = 0;
      this.held -= piece.bytes;
    }
    return picked;
  }

  /** What has expired is skipped where topics forget; elsewhere, and beyond the end, something is wrong. */
  private async settle(): Promise<void> {
    const { topic, partition } = this;
    const [begin, end] = await Promise.all((['begin', 'end'] as const).map((which) => this.wire.borrow(topic, partition, (line) => line.offsets([{ topic, partition }], which))));
    const [first, next] = [begin?.[0] as number, end?.[0] as number];
    if (this.offset >= first && this.offset <= next) return;
    if (this.offset < first && topic !== 'execution-events') this.offset = first;
    else
      throw new ProgressMismatch(
        `Expected to read '${topic}/${partition}' on from offset ${this.offset}, but the log holds ${first} to ${next}. Restore the newer log, or delete this reader's stored progress and what it built.`,
      );
  }
}

/** Records from `from` up to (not including) `to`, or to the end if that comes first. Rejects when Kafka does not answer for long. */
export async function* bounded(wire: Wire, topic: Topic, partition: number, from: number, to: number, signal?: AbortSignal): AsyncGenerator<Batch['records']> {
  for (let offset = from; offset < to && !signal?.aborted; ) {
    const at = offset;
    const place = { topic, partition };
    const { records, next, end } = await wire.retrying(
      `read ${topic}/${partition}`,
      () =>
        wire.borrow(topic, partition, async (line) => {
          try {
            return await fetchOne(line, place, at);
          } catch (error) {
            if (!isOutOfRange(error)) throw error;
            const [[first], [last]] = [await line.offsets([place], 'begin'), await line.offsets([place], 'end')] as [[number], [number]];
            return at < first && first < to ? await fetchOne(line, place, first) : { records: [], next: at, end: Math.min(at, last), bytes: 0 };
          }
        }),
      signal,
      30_000,
    );
    const wanted = records.filter((record) => record.offset < to);
    if (wanted.length > 0) yield wanted;
    if (next === offset && offset >= end) return;
    offset = next;
  }
}

const fetchOne = async (line: Line, place: Place, offset: number): Promise<Fetched> => {
  const { parts } = await line.fetch(new FetchSession().askOnce([{ ...place, offset }], 0));
  const piece = parts[0]?.piece ?? new Error('the answer does not name the partition');
  if (piece instanceof Error) throw piece;
  return piece;
};

import { type Batch, ProgressMismatch } from '../port.js';
import type { Topic } from '../topics.js';
import type { Line } from './line.js';
import type { Fetched } from './requests.js';
import { pause } from './retry.js';
import type { Wire } from './wire.js';

/** A lane asks for at most this much at once, bytes; it holds one piece in hand and one on its way. */
const pieceBytes = 1_048_576;
/** An idle lane asks again this often, ms; a record that arrives meanwhile is answered at once. */
const waitMs = 1_000;

/** One reader's way through one partition. */
export interface LaneOptions {
  readonly topic: Topic;
  readonly partition: number;
  readonly from: number;
  readonly maxRecords: number;
  /** Ends the lane at once, a waiting fetch included. */
  readonly signal: AbortSignal;
}

const isOutOfRange = (error: unknown): boolean => (error as { type?: string }).type === 'OFFSET_OUT_OF_RANGE';

/**
 * A partition's records from an offset on, live. Pull-based: the next piece is fetched while the last one is being handled, no more.
 * Infrastructure failures are waited out. @throws ProgressMismatch when the log no longer has what comes next.
 */
export async function* live(wire: Wire, options: LaneOptions): AsyncGenerator<Batch> {
  const { topic, partition, maxRecords, signal } = options;
  const lane = new Lane(wire, options);
  const cut = () => lane.close();
  signal.addEventListener('abort', cut, { once: true });
  try {
    for (let next = lane.fetch(); !signal.aborted; ) {
      const { records, end } = await next;
      if (signal.aborted) return;
      next = lane.fetch();
      for (let at = 0; at < records.length && !signal.aborted; at += maxRecords) {
        const slice = records.slice(at, at + maxRecords);
        yield { topic, partition, records: slice, end: Math.max(end, (slice.at(-1)?.offset as number) + 1) };
      }
    }
  } finally {
    signal.removeEventListener('abort', cut);
    lane.close();
  }
}

class Lane {
  offset: number;
  private line: Line | undefined;
  private closed = false;

  constructor(
    private readonly wire: Wire,
    private readonly options: LaneOptions,
  ) {
    this.offset = options.from;
  }

  /** Never rejects on infrastructure; empty once closed. A rejection is kept for whoever awaits it. */
  fetch(): Promise<Fetched> {
    const fetched = this.fetchUntilDone();
    fetched.catch(() => undefined);
    return fetched;
  }

  close(): void {
    this.closed = true;
    this.line?.close();
    this.line = undefined;
  }

  private async fetchUntilDone(): Promise<Fetched> {
    const { topic, partition, signal } = this.options;
    for (let pauseMs = 20; !this.closed && !signal.aborted; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      try {
        this.line ??= await this.openLine();
        const fetched = await this.line.fetch(topic, partition, this.offset, pieceBytes, waitMs);
        this.offset = fetched.next;
        if (fetched.records.length > 0) return fetched;
        pauseMs = 10;
      } catch (error) {
        if (this.closed || signal.aborted || this.wire.closed.aborted) break;
        if (isOutOfRange(error)) await this.settle();
        else {
          this.line?.close();
          this.line = undefined;
          this.wire.forget();
          this.wire.report(`read ${topic}/${partition}`, error);
          await pause(pauseMs, signal);
        }
      }
    }
    return { records: [], next: this.offset, end: this.offset };
  }

  private async openLine(): Promise<Line> {
    const line = await this.wire.lineToLeader(this.options.topic, this.options.partition);
    if (!this.closed) return line;
    line.close();
    throw new Error('Expected to read on, but the reader has stopped');
  }

  /** What has expired is skipped where topics forget; elsewhere, and beyond the end, something is wrong. */
  private async settle(): Promise<void> {
    const { topic, partition } = this.options;
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
    const { records, next, end } = await wire.retrying(
      `read ${topic}/${partition}`,
      () =>
        wire.borrow(topic, partition, async (line) => {
          try {
            return await line.fetch(topic, partition, at, pieceBytes, 0);
          } catch (error) {
            if (!isOutOfRange(error)) throw error;
            const [[first], [last]] = [await line.offsets([{ topic, partition }], 'begin'), await line.offsets([{ topic, partition }], 'end')] as [[number], [number]];
            return at < first && first < to ? await line.fetch(topic, partition, first, pieceBytes, 0) : { records: [], next: at, end: Math.min(at, last) };
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

import type { LogRecord } from '../port.js';

/** Kept beyond what readers of this process still need: for whoever begins nearly level. */
const spareRecords = 128;
/** What a slow reader can make a feed keep; then it reads the table. At 6,000 records a second it may be a second behind. */
const ringRecords = 8_192;
const ringBytes = 8 * 1024 * 1024;

/** What this process knows of one partition: its end, and in memory the newest records, as far back as its readers need them. */
export class Feed {
  private ring: LogRecord[] = [];
  private bytes = 0;
  private readonly followers = new Set<Follower>();

  constructor(private known: number) {}

  /** The next offset to be written, as far as this process knows. */
  get end(): number {
    return this.known;
  }

  /** Somebody reads on from `from`, until `leave`. */
  follow(from: number, signal: AbortSignal): Follower {
    const follower = new Follower(this, from, signal);
    this.followers.add(follower);
    return follower;
  }

  leave(follower: Follower): void {
    this.followers.delete(follower);
  }

  /** Records just committed by this process, contiguous. What the ring can't hold is read from the table. */
  push(records: readonly LogRecord[]): void {
    const base = records[0]?.offset as number;
    if ((this.ring.at(-1)?.offset ?? -2) !== base - 1) {
      this.ring = [];
      this.bytes = 0;
    }
    for (const record of records) {
      this.ring.push(record);
      this.bytes += sizeOf(record);
    }
    this.trim();
    this.advance(base + records.length);
  }

  /** Another process may have written: the end is at least this. */
  advance(end: number): void {
    if (end <= this.known) return;
    this.known = end;
    for (const follower of this.followers) follower.rouse();
  }

  /** Records from memory that begin exactly at `from`, or undefined when they aren't there. */
  take(from: number, max: number): LogRecord[] | undefined {
    const first = this.ring[0]?.offset;
    if (first === undefined || from < first || from >= first + this.ring.length) return undefined;
    return this.ring.slice(from - first, from - first + max);
  }

  private trim(): void {
    const first = (this.ring[0] as LogRecord).offset;
    let needed = first + this.ring.length;
    for (const { at } of this.followers) needed = Math.min(needed, at);
    const unneeded = needed - first - spareRecords;
    if (unneeded >= spareRecords) this.drop(unneeded);
    if (this.ring.length > ringRecords || this.bytes > ringBytes) this.halve();
  }

  private halve(): void {
    let count = 0;
    for (let bytes = this.bytes; this.ring.length - count > ringRecords / 2 || bytes > ringBytes / 2; ) bytes -= sizeOf(this.ring[count++] as LogRecord);
    this.drop(count);
  }

  private drop(count: number): void {
    for (let index = 0; index < count; index++) this.bytes -= sizeOf(this.ring[index] as LogRecord);
    this.ring = this.ring.slice(count);
  }
}

/** One reader of a partition on its way. */
export class Follower {
  private wake: (() => void) | undefined;

  /** @param at the next offset that it needs. */
  constructor(
    readonly feed: Feed,
    public at: number,
    readonly signal: AbortSignal,
  ) {
    signal.addEventListener('abort', this.leave, { once: true });
  }

  /** Resolves when the end is beyond where it is, or when its signal aborts. */
  beyond(): Promise<void> {
    return new Promise((resolve) => {
      if (this.feed.end > this.at || this.signal.aborted) resolve();
      else this.wake = resolve;
    });
  }

  readonly rouse = (): void => {
    this.wake?.();
    this.wake = undefined;
  };

  /** Nothing is kept for it any more; done too when its signal aborts. */
  readonly leave = (): void => {
    this.signal.removeEventListener('abort', this.leave);
    this.feed.leave(this);
    this.rouse();
  };
}

const perRecord = 1_000;
const sizeOf = (record: LogRecord): number => (record.text ?? record.value).length + perRecord;

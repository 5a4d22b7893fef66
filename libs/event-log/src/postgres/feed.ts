import type { LogRecord } from '../port.js';

const ringRecords = 2_048;
const ringBytes = 1024 * 1024;

/** What this process knows of one partition: its end, and the newest records in memory, so that a reader who is level needs no read. */
export class Feed {
  private ring: LogRecord[] = [];
  private bytes = 0;
  private waiting: (() => void)[] = [];

  constructor(private known: number) {}

  /** The next offset to be written, as far as this process knows. */
  get end(): number {
    return this.known;
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
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }

  /** Records from memory that begin exactly at `from`, or undefined when they aren't there. */
  take(from: number, max: number): LogRecord[] | undefined {
    const first = this.ring[0]?.offset;
    if (first === undefined || from < first || from >= first + this.ring.length) return undefined;
    return this.ring.slice(from - first, from - first + max);
  }

  /** Resolves when the end is beyond `from`, or when `signal` aborts. */
  async beyond(from: number, signal: AbortSignal): Promise<void> {
    if (this.known > from || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', give);
        resolve();
      };
      const give = () => {
        this.waiting = this.waiting.filter((other) => other !== wake);
        resolve();
      };
      signal.addEventListener('abort', give, { once: true });
      this.waiting.push(wake);
    });
  }

  private trim(): void {
    if (this.ring.length <= ringRecords && this.bytes <= ringBytes) return;
    let dropped = 0;
    while (dropped < this.ring.length && (this.ring.length - dropped > ringRecords / 2 || this.bytes > ringBytes / 2)) this.bytes -= sizeOf(this.ring[dropped++] as LogRecord);
    this.ring = this.ring.slice(dropped);
  }
}

const perRecord = 1_000;
const sizeOf = (record: LogRecord): number => record.value.length + perRecord;

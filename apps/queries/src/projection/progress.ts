import type { Batch, Position } from '@runlog/event-log';
import type { Sql } from '@runlog/read-model';
import { type Projection, storedPositions } from './position-store.js';

const POLL_MS = 5;
/** An own partition may have gone to another process without a word: look at what is stored after so long without a step. */
const DOUBT_MS = 100;
/** A reader elsewhere that waited so lately may wait still. */
const AWAITED_MS = 50;

/** Nothing was known to come after this batch when it was read. */
export const isLevel = ({ records, end }: Batch): boolean => (records.at(-1)?.offset ?? end) + 1 >= end;

/** How far a projection has come, per partition: in memory for the partitions of this process, polled for the others. */
export class Progress {
  readonly #own = new Map<number, number>();
  readonly #waiting = new Map<number, Set<() => void>>();
  readonly #collecting = new Map<number, () => void>();
  readonly #awaitedAt = new Map<number, number>();
  #polled = new Map<number, number>();
  #polling: Promise<void> | undefined;

  constructor(
    private readonly sql: Sql,
    private readonly projection: Projection,
    /** Tells whoever has the partition that a reader waits for it here. */
    private readonly call: (partition: number) => void = () => undefined,
  ) {}

  /** A partition of this process stands at `position`. */
  reached({ partition, offset }: Position): void {
    this.#own.set(partition, offset);
    const waiting = this.#waiting.get(partition);
    this.#waiting.delete(partition);
    for (const wake of waiting ?? []) wake();
  }

  /** The partition belongs to another process now. */
  released(partition: number): void {
    this.#own.delete(partition);
    const waiting = this.#waiting.get(partition);
    this.#waiting.delete(partition);
    for (const wake of waiting ?? []) wake();
  }

  /** The next offset to be projected, as last known: exact for own partitions. */
  known(partition: number): number {
    return Math.max(this.#own.get(partition) ?? 0, this.#polled.get(partition) ?? 0);
  }

  isOwn(partition: number): boolean {
    return this.#own.has(partition);
  }

  /** Resolves after the next step of the partition, or when `signal` aborts; for a foreign one after a few milliseconds. */
  async moved(partition: number, signal: AbortSignal): Promise<void> {
    if (!this.#own.has(partition)) {
      this.call(partition);
      return this.poll();
    }
    const doubtful = await new Promise<boolean>((resolve) => {
      const waiting = this.#waiting.get(partition) ?? new Set();
      this.#waiting.set(partition, waiting);
      const settle = (doubt: boolean): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        waiting.delete(wake);
        resolve(doubt);
      };
      const wake = (): void => settle(false);
      const timer = setTimeout(() => settle(true), DOUBT_MS);
      waiting.add(wake);
      this.#collecting.get(partition)?.();
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });
    if (doubtful) await this.poll();
  }

  /** A reader of another process waits for this partition: nothing collects for a moment. */
  hurry(partition: number): void {
    this.#awaitedAt.set(partition, performance.now());
    this.#collecting.get(partition)?.();
  }

  /** Lets events collect for `ms`, or until a reader waits for this partition: then at once. */
  async collect(partition: number, ms: number): Promise<void> {
    if (this.#waiting.get(partition)?.size || performance.now() < (this.#awaitedAt.get(partition) ?? Number.NEGATIVE_INFINITY) + AWAITED_MS) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#collecting.set(partition, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#collecting.delete(partition);
  }

  /** Looks at the stored progress of all partitions, at most every few milliseconds for all who ask. */
  poll(): Promise<void> {
    this.#polling ??= new Promise<void>((resolve) => setTimeout(resolve, POLL_MS))
      .then(async () => {
        const rows = await storedPositions(this.sql, this.projection);
        this.#polled = new Map(rows.map(({ partition, offset }) => [partition, offset]));
      })
      .finally(() => {
        this.#polling = undefined;
      });
    return this.#polling;
  }
}

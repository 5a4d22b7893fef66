import type { Diagnostics } from '../diagnostics.js';
import type { GroupReader } from '../port.js';
import type { Fetching } from './fetching.js';
import { handle } from './handling.js';
import { Membership } from './membership.js';
import type { Offsets } from './offsets.js';
import { atMost } from './retry.js';
import type { Wire } from './wire.js';

const commitEveryMs = 500;
const drainMs = 2_000;
/** Longer than this the others do not take to join, unless one of them is dead; then work goes on until its session is over. */
const restMs = 2_000;

interface Held {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** What reading rests on. */
export interface ReadingParts {
  readonly wire: Wire;
  readonly fetching: Fetching;
  readonly diagnostics: Diagnostics;
  readonly ends: Offsets;
  readonly begins: Offsets;
  readonly instance?: string;
}

/** A member of a group that handles the batches of its share of a topic's partitions. */
export class GroupReading {
  private readonly held = new Map<number, Held>();
  private readonly ending = new Map<number, Promise<void>>();
  private readonly handled = new Map<number, number>();
  private readonly inFlight = new Set<Promise<void>>();
  private readonly membership: Membership;
  private rest: { readonly over: Promise<void>; readonly end: () => void } | undefined;
  private committing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly reader: GroupReader,
    partitions: number,
    private readonly parts: ReadingParts,
  ) {
    this.membership = new Membership({
      wire: parts.wire,
      diagnostics: parts.diagnostics,
      group: `${reader.group}-${reader.topic}`,
      instance: parts.instance,
      topics: [reader.topic],
      partitions,
      assigned: (mine) => this.assigned(mine),
      beforeRejoin: () => this.comeToRest(),
    });
  }

  start(): void {
    this.membership.start();
    this.timer = setInterval(() => void this.commit(), commitEveryMs);
  }

  async stop(): Promise<void> {
    this.rest?.end();
    const partitions = [...this.held.keys()];
    for (const { stop } of this.held.values()) stop.abort();
    await Promise.all([...[...this.held.values()].map(({ done }) => done), ...this.ending.values()]);
    clearInterval(this.timer);
    await this.commit();
    this.held.clear();
    for (const partition of partitions) this.reader.onRevoked?.(partition);
    await this.membership.leave();
  }

  private assigned(mine: readonly number[]): void {
    const kept = new Set(mine);
    for (const [partition, { stop, done }] of this.held) {
      if (kept.has(partition)) continue;
      stop.abort();
      this.held.delete(partition);
      this.handled.delete(partition);
      this.reader.onRevoked?.(partition);
      const over = done.then(() => void (this.ending.get(partition) === over && this.ending.delete(partition)));
      this.ending.set(partition, over);
    }
    for (const partition of mine) if (!this.held.has(partition)) this.held.set(partition, this.take(partition));
    this.rest?.end();
  }

  private take(partition: number): Held {
    const { reader, parts } = this;
    const stop = new AbortController();
    const before = this.ending.get(partition);
    const run = async () => {
      await before;
      const handling = {
        topic: reader.topic,
        partition,
        maxRecords: reader.maxRecords ?? 1_000,
        apartMs: reader.apartMs?.bind(reader),
        start: () => this.startOf(partition),
        turn: () => this.rest?.over,
        onBatch: (batch: Parameters<GroupReader['onBatch']>[0]) => this.tracked(reader.onBatch(batch)),
        onHandled: (next: number) => void (this.held.get(partition)?.stop === stop && this.handled.set(partition, next)),
      };
      await handle(parts.fetching, handling, stop.signal, parts.diagnostics);
    };
    return { stop, done: run() };
  }

  private tracked(work: Promise<void>): Promise<void> {
    this.inFlight.add(work);
    const over = () => void this.inFlight.delete(work);
    work.then(over, over);
    return work;
  }

  private async startOf(partition: number): Promise<number> {
    const { reader, parts } = this;
    const asked = await reader.start(partition);
    if (typeof asked === 'number') return asked;
    if (asked === 'end') return parts.ends.of(reader.topic, partition);
    const committed = asked === 'committed' ? await this.membership.committed(partition) : undefined;
    return committed ?? (await parts.begins.of(reader.topic, partition));
  }

  /** No new batch begins, those in flight end (or take too long), and where they ended is stored: whoever takes over goes on there. */
  private async comeToRest(): Promise<void> {
    let end: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (end = resolve));
    const rest = {
      over,
      end: () => {
        if (this.rest === rest) this.rest = undefined;
        end();
      },
    };
    this.rest?.end();
    this.rest = rest;
    await atMost(Promise.allSettled([...this.inFlight]), drainMs);
    await new Promise(setImmediate);
    await atMost(this.commit(), drainMs);
    setTimeout(rest.end, restMs).unref();
  }

  private commit(): Promise<void> {
    this.committing = this.committing.then(async () => {
      if (this.handled.size === 0) return;
      const offsets = new Map(this.handled);
      this.handled.clear();
      try {
        await this.membership.commit(offsets);
      } catch {
        // Progress is a hint: kept for the next attempt, unless newer.
        for (const [partition, offset] of offsets) if (this.held.has(partition) && !this.handled.has(partition)) this.handled.set(partition, offset);
      }
    });
    return this.committing;
  }
}

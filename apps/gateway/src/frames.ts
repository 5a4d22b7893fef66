import type { FrameView } from '@runlog/contract';
import { type Batch, decodeJson, type EventLog, type LogRecord, partitionOf, type Subscription } from '@runlog/event-log';
import { isAgentMessage } from '@runlog/read-model';

const TOPIC = 'execution-frames';
/** Frames are read on for so long after the last follower went: the next one is seldom far. */
const IDLE_MS = 60_000;

/** Called with the frames of one execution's agents that one batch held, in order: none, if only its log grew. Must not throw or wait. */
export type FrameWatcher = (seen: readonly FrameView[]) => void;

/** One reading of the topic's live end. */
interface Reading {
  /** Per partition, the next offset that it will see. */
  readonly positions: Map<number, number>;
  readonly subscription: Promise<Subscription>;
}

/** The live end of `execution-frames`, which is only read while somebody follows, and decoded for those who do. Keeps nothing. */
export class Frames {
  private readonly watchers = new Map<string, Set<FrameWatcher>>();
  private readonly waiting = new Set<() => void>();
  private reading: Promise<Reading> | undefined;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly log: EventLog) {}

  /** Until the returned function is called. */
  watch(executionId: string, watcher: FrameWatcher): () => void {
    let watchers = this.watchers.get(executionId);
    if (!watchers) this.watchers.set(executionId, (watchers = new Set()));
    watchers.add(watcher);
    clearTimeout(this.idle);
    // Whoever goes on to ask where the frames stand (`from`) hears why it failed.
    this.read().catch(() => undefined);
    return () => {
      watchers.delete(watcher);
      if (watchers.size > 0 || this.watchers.get(executionId) !== watchers) return;
      this.watchers.delete(executionId);
      if (this.watchers.size > 0) return;
      clearTimeout(this.idle);
      this.idle = setTimeout(() => void this.stop(), IDLE_MS).unref();
    };
  }

  /** The offset from which on whoever watches this execution now is told of every frame. Rejects when the log is away. */
  async from(executionId: string): Promise<number> {
    const { positions } = await this.read();
    return positions.get(this.partition(executionId)) ?? 0;
  }

  /** The next offset to be written to the execution's partition: all that was on the log when this was asked for is below it. */
  end(executionId: string): Promise<number> {
    return this.log.end(TOPIC, this.partition(executionId));
  }

  /** True once watchers of the execution were told of every frame below the offset; false when that takes too long. */
  async passed(executionId: string, offset: number, withinMs: number): Promise<boolean> {
    const { positions } = await this.read();
    const partition = this.partition(executionId);
    for (const deadline = performance.now() + withinMs; (positions.get(partition) ?? 0) < offset; ) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.waiting.add(wake);
      });
    }
    return true;
  }

  async stop(): Promise<void> {
    clearTimeout(this.idle);
    const { reading } = this;
    this.reading = undefined;
    // A reading that did not begin has nothing to stop.
    const open = await reading?.catch(() => undefined);
    await open?.subscription.then(
      (one) => one.stop(),
      () => undefined,
    );
  }

  private partition(executionId: string): number {
    return partitionOf(executionId, this.log.partitions(TOPIC));
  }

  private read(): Promise<Reading> {
    if (this.reading) return this.reading;
    const reading = this.begin();
    this.reading = reading;
    reading.catch(() => {
      if (this.reading === reading) this.reading = undefined;
    });
    return reading;
  }

  private async begin(): Promise<Reading> {
    const partitions = Array.from({ length: this.log.partitions(TOPIC) }, (_, partition) => partition);
    const positions = new Map(await Promise.all(partitions.map(async (partition) => [partition, await this.log.end(TOPIC, partition)] as const)));
    const subscription = this.log.tail({
      topic: TOPIC,
      start: async (partition) => positions.get(partition) ?? 0,
      onBatch: async (batch) => this.tell(batch, positions),
    });
    await subscription;
    return { positions, subscription };
  }

  private tell({ partition, records }: Batch, positions: Map<number, number>): void {
    const position = positions.get(partition) ?? 0;
    const seen = new Map<string, FrameView[]>();
    for (const record of records) {
      if (record.offset < position || !this.watchers.has(record.key)) continue;
      const views = seen.get(record.key) ?? [];
      seen.set(record.key, views);
      const view = viewIn(record);
      if (view) views.push(view);
    }
    positions.set(partition, Math.max(position, (records.at(-1)?.offset ?? -1) + 1));
    for (const [executionId, views] of seen) for (const watcher of [...(this.watchers.get(executionId) ?? [])]) watcher(views);
    for (const wake of [...this.waiting]) wake();
  }
}

/** undefined: not of an agent, or of no kind that is known here. */
const viewIn = (record: LogRecord): FrameView | undefined => {
  try {
    const message = decodeJson<{ readonly type: string }>(record);
    if (!isAgentMessage(message)) return undefined;
    const { version, node, attempt, frame } = message;
    return { n: record.offset, version, node_id: node, attempt, frame };
  } catch {
    // Whoever stores frames says so, once.
    return undefined;
  }
};

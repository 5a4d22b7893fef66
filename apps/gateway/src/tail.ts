import type { Reads } from '@runlog/contract';
import { AcceptedEvents, type Batch, type DecodedEvent, type EventLog, isClaim, type Subscription } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';

/** Nobody waits for anything: others' executions may come by in larger batches. */
const UNWATCHED_APART_MS = 20;

/** Called with the accepted events of one execution that one batch held, in version order. Must not throw or wait. */
export type Watcher = (events: readonly DecodedEvent[]) => void;

/**
 * The live end of `execution-events`. Starts where the read model stands, never at "now", so that what is not yet readable is still
 * seen here; keeps nothing for executions that nobody watches.
 */
export class Tail {
  private readonly watchers = new Map<string, Set<Watcher>>();
  private readonly positions = new Map<number, number>();
  private readonly goals = new Map<number, number>();
  private readonly accepted = new Map<number, AcceptedEvents>();
  private subscription: Subscription | undefined;
  private level = false;

  constructor(
    private readonly log: EventLog,
    private readonly reads: Pick<Reads, 'positions'>,
    private readonly logger: Logger,
  ) {}

  async start(): Promise<void> {
    const topicId = await this.log.topicId('execution-events');
    for (const position of await this.reads.positions()) {
      if (position.topicId !== topicId) continue;
      this.positions.set(position.partition, position.offset);
      this.accepted.set(position.partition, new AcceptedEvents(position.claim));
    }
    for (let partition = 0; partition < this.log.partitions('execution-events'); partition++) {
      if (!this.accepted.has(partition)) {
        this.positions.set(partition, await this.log.begin('execution-events', partition));
        this.accepted.set(partition, new AcceptedEvents(-1));
      }
      this.goals.set(partition, await this.log.end('execution-events', partition));
    }
    this.subscription = await this.log.tail({
      topic: 'execution-events',
      start: async (partition) => this.positions.get(partition) ?? 0,
      apartMs: () => (this.watchers.size > 0 ? 0 : UNWATCHED_APART_MS),
      onBatch: async (batch) => this.read(batch),
    });
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
    this.subscription = undefined;
  }

  /** True once everything that was on the log at the start has been read. */
  caughtUp(): true | string {
    if (this.level) return true;
    if (!this.subscription) return 'not started';
    const behind = [...this.goals].filter(([partition, goal]) => (this.positions.get(partition) ?? 0) < goal);
    this.level = behind.length === 0;
    return this.level || `catching up with ${behind.length} partitions`;
  }

  /** Until the returned function is called. */
  watch(executionId: string, watcher: Watcher): () => void {
    let watchers = this.watchers.get(executionId);
    if (!watchers) this.watchers.set(executionId, (watchers = new Set()));
    watchers.add(watcher);
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.watchers.get(executionId) === watchers) this.watchers.delete(executionId);
    };
  }

  private read({ partition, records }: Batch): void {
    const rule = this.accepted.get(partition) as AcceptedEvents;
    const seen = new Map<string, DecodedEvent[]>();
    for (const record of records) {
      if (record.offset < (this.positions.get(partition) ?? 0)) continue;
      this.positions.set(partition, record.offset + 1);
      if (!isClaim(record) && !this.watchers.has(record.key)) continue;
      try {
        const event = rule.accept(record)?.event;
        if (!event) continue;
        const events = seen.get(event.executionId);
        if (events) events.push(event);
        else seen.set(event.executionId, [event]);
      } catch (error) {
        this.logger.error({ err: error, partition, offset: record.offset }, 'a record of execution-events cannot be decoded');
      }
    }
    for (const [executionId, events] of seen)
      for (const watcher of [...(this.watchers.get(executionId) ?? [])])
        try {
          watcher(events);
        } catch (error) {
          this.logger.error({ err: error, executionId }, 'a watcher threw');
        }
  }
}

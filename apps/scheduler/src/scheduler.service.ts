import { type EventLog, ProgressMismatch, type Subscription } from '@runlog/event-log';
import { Counter, Gauge, type Logger, type Registry } from '@runlog/platform';
import type { Database } from '@runlog/read-model';
import { HeartbeatReader } from './heartbeat-reader.js';
import { type Definitions, NodeTimeouts } from './node-timeouts.js';
import { PartitionScheduler } from './partition.js';
import { Admissions } from './queues/admissions.js';
import { Runners } from './runners.js';
import { SchedulerStore } from './store.js';
import { Successions } from './successions.js';

/** How far apart batches are while somebody waits for what is read, and while all that is due is so by timers. */
const AWAITED_APART_MS = 10;
const APART_MS = 50;

export interface SchedulerDeps {
  readonly log: EventLog;
  readonly database: Pick<Database, 'query' | 'transaction'>;
  readonly definitions: Definitions;
  readonly logger: Logger;
  /** A runner silent for longer has lost its attempts. */
  readonly heartbeatTimeoutMs: number;
  readonly metrics?: Registry;
  /** Called when the scheduler cannot go on and the process should end, with an error that says what to do. */
  readonly onFatal?: (error: Error) => void;
}

/** Reacts to events with commands: timers that fall due, attempts that nobody starts, attempts whose runner is silent. Writes no fact itself. */
export class SchedulerService {
  private readonly partitions = new Map<number, PartitionScheduler>();
  private readonly runners: Runners;
  private readonly heartbeats: HeartbeatReader;
  private readonly store: SchedulerStore;
  private readonly timeouts: NodeTimeouts;
  private readonly admissions: Admissions;
  private readonly sent: Counter<'type'> | undefined;
  private events: Subscription | undefined;

  constructor(private readonly deps: SchedulerDeps) {
    this.runners = new Runners(deps.heartbeatTimeoutMs);
    this.heartbeats = new HeartbeatReader(deps.log, this.runners, deps.logger);
    this.store = new SchedulerStore(deps.database);
    this.timeouts = new NodeTimeouts(deps.definitions, deps.logger);
    const { log, database, logger } = deps;
    this.admissions = new Admissions({ log, database, logger, onSent: ({ type }) => this.sent?.inc({ type }) });
    if (deps.metrics) this.sent = this.measure(deps.metrics);
  }

  async start(): Promise<void> {
    await this.heartbeats.start();
    await this.admissions.start();
    this.events = await this.deps.log.subscribe({
      topic: 'execution-events',
      group: 'scheduler',
      apartMs: () => (this.isAwaited ? AWAITED_APART_MS : APART_MS),
      start: (partition) => this.open(partition),
      onBatch: (batch) => this.partitions.get(batch.partition)?.handle(batch) ?? Promise.reject(new Error(`Expected to hold partition ${batch.partition}, but it was revoked`)),
      onRevoked: (partition) => this.drop(partition),
    });
  }

  /** Writes every partition's book, so that the next start has little to read. */
  async stop(): Promise<void> {
    await this.events?.stop();
    await this.admissions.stop();
    await this.heartbeats.stop();
    const stopped = await Promise.allSettled([...this.partitions.values()].map((partition) => partition.stop()));
    this.partitions.clear();
    for (const one of stopped) if (one.status === 'rejected') this.deps.logger.warn({ err: one.reason }, 'last flush failed');
  }

  /** True once every partition that this scheduler holds has been read up to where the log ended when it was granted. */
  get isCaughtUp(): boolean {
    return [...this.partitions.values()].every((partition) => partition.isCaughtUp);
  }

  private get isAwaited(): boolean {
    for (const partition of this.partitions.values()) if (partition.isAwaited) return true;
    return false;
  }

  describe() {
    return { partitions: [...this.partitions.values()].map((partition) => partition.describe()), runners: this.runners.describe() };
  }

  private async open(partition: number): Promise<number> {
    this.drop(partition);
    const { log, logger } = this.deps;
    const scheduler = new PartitionScheduler(partition, {
      log,
      logger,
      store: this.store,
      timeouts: this.timeouts,
      successions: new Successions(partition, this.deps.database),
      runners: this.runners,
      admissions: this.admissions,
      onSent: ({ type }) => this.sent?.inc({ type }),
    });
    try {
      const offset = await scheduler.open();
      this.partitions.set(partition, scheduler);
      return offset;
    } catch (error) {
      scheduler.drop();
      if (error instanceof ProgressMismatch) {
        logger.fatal({ err: error }, error.message);
        this.deps.onFatal?.(error);
      }
      throw error;
    }
  }

  private drop(partition: number): void {
    this.partitions.get(partition)?.drop();
    this.partitions.delete(partition);
  }

  private measure(registry: Registry): Counter<'type'> {
    const { partitions } = this;
    new Gauge({
      name: 'runlog_scheduler_lag_records',
      help: 'Records of execution-events not read yet',
      labelNames: ['partition'],
      registers: [registry],
      collect() {
        this.reset();
        for (const one of partitions.values()) this.set({ partition: String(one.partition) }, one.describe().lag);
      },
    });
    return new Counter({ name: 'runlog_scheduler_commands_total', help: 'Commands sent by the scheduler', labelNames: ['type'], registers: [registry] });
  }
}

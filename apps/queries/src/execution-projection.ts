import type { Batch, EventLog, Position, Subscription } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';
import type { Catalog, Database } from '@runlog/read-model';
import { namesFrom } from './projection/names.js';
import { type NamesOf, PartitionProjection } from './projection/partition-projection.js';
import { openPosition } from './projection/position-store.js';
import { isLevel, type Progress } from './projection/progress.js';
import { Quarantine } from './projection/quarantine.js';
import type { Summons } from './projection/summons.js';

const TOPIC = 'execution-events';
/** Executions that begin and end within this are written once: for whoever is told of every reader that waits. */
const APART_MS = 500;
/** A batch of so many has left some behind. */
const MOST_RECORDS = 4_000;
/** For a process that does not hear the readers of others, which wait for as long. */
const DEAF_APART_MS = 60;
/** What collects is fetched in a few pieces; at most this is added to a reader's wait. */
const FETCH_APART_MS = 20;

/** What a reader of execution-events works with. */
export interface EventReaderDeps {
  readonly database: Database;
  readonly log: EventLog;
  readonly catalog: Catalog;
  readonly logger: Logger;
  /** Of the executions' projection. */
  readonly progress: Progress;
}

/** Folds execution-events into executions, execution_nodes, execution_events and usage_daily: each batch one transaction. */
export class ExecutionProjection {
  readonly #partitions = new Map<number, PartitionProjection>();
  readonly #alarms = new Map<number, string>();
  readonly #namesOf: NamesOf;
  #subscription: Subscription | undefined;
  #isStopping = false;

  constructor(private readonly deps: EventReaderDeps & { readonly onBatch?: (batch: Batch, seconds: number) => void; readonly summons?: Pick<Summons, 'isHeard'> }) {
    this.#namesOf = namesFrom(deps.catalog);
  }

  async start(): Promise<void> {
    this.#subscription = await this.deps.log.subscribe({
      topic: TOPIC,
      group: 'projection-executions',
      maxRecords: MOST_RECORDS,
      apartMs: () => FETCH_APART_MS,
      start: (partition) => this.#open(partition),
      onBatch: (batch) => this.#project(batch),
      onRevoked: (partition) => this.#release(partition),
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const stopped = this.#subscription?.stop();
    for (const partition of this.#partitions.keys()) this.deps.progress.hurry(partition);
    await stopped;
    for (const partition of [...this.#partitions.keys()]) this.#release(partition);
  }

  /** true, or which partitions stand still and why. */
  health(): true | string {
    return this.#alarms.size === 0 || [...this.#alarms].map(([partition, because]) => `partition ${partition}: ${because}`).join('; ');
  }

  get partitions(): number[] {
    return [...this.#partitions.keys()].sort((a, b) => a - b);
  }

  get #isAlone(): boolean {
    return this.#partitions.size === this.deps.log.partitions(TOPIC);
  }

  get #apartMs(): number {
    return this.#isAlone || this.deps.summons?.isHeard ? APART_MS : DEAF_APART_MS;
  }

  async #open(partition: number): Promise<number> {
    const { database, log, logger, progress } = this.deps;
    try {
      const position = await openPosition(database, log, 'executions', TOPIC, partition);
      const projection = new PartitionProjection(database, log, logger, this.#namesOf, await Quarantine.load(database, partition), position);
      await projection.repair();
      this.#partitions.set(partition, projection);
      progress.reached(position);
      return position.offset;
    } catch (cause) {
      this.#alarm(partition, cause);
      throw cause;
    }
  }

  async #project(batch: Batch): Promise<void> {
    const projection = this.#partitions.get(batch.partition);
    if (!projection) throw new Error(`Expected partition ${batch.partition} to be open, but it is not`);
    const begun = performance.now();
    let position: Position;
    try {
      position = await projection.project(batch.records);
    } catch (cause) {
      this.#alarm(batch.partition, cause);
      throw cause;
    }
    this.#alarms.delete(batch.partition);
    this.deps.progress.reached(position);
    this.deps.onBatch?.(batch, (performance.now() - begun) / 1000);
    // Afterwards, so that all that collects is in the next batch. Who is behind does not rest.
    if (!this.#isStopping && isLevel(batch)) await this.deps.progress.collect(batch.partition, this.#apartMs);
  }

  #release(partition: number): void {
    this.#partitions.delete(partition);
    this.#alarms.delete(partition);
    this.deps.progress.released(partition);
  }

  #alarm(partition: number, cause: unknown): void {
    const because = cause instanceof Error ? cause.message : String(cause);
    if (this.#alarms.get(partition) !== because) this.deps.logger.error({ err: cause, partition }, 'the projection of this partition stands still');
    this.#alarms.set(partition, because);
  }
}

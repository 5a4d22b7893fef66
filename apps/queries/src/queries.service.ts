import type { ArtifactStore } from '@runlog/artifacts';
import type { Reads } from '@runlog/contract';
import type { Batch, EventLog } from '@runlog/event-log';
import type { Config, HealthRegistry, Logger, Registry, Startable } from '@runlog/platform';
import type { Catalog, Database } from '@runlog/read-model';
import { Collector } from './collection/collector.js';
import { FrameCollector } from './collection/frame-collector.js';
import { ExecutionProjection } from './execution-projection.js';
import { FrameProjection } from './frame-projection.js';
import { exposeExport, exposeLastCheck, exposeQueries } from './metrics.js';
import { Progress } from './projection/progress.js';
import { Summons } from './projection/summons.js';
import { Lag } from './reads/lag.js';
import { ReadsService } from './reads/reads.service.js';
import type { TraceExport } from './traces/trace-export.js';
import { lastCheck } from './verify/last-check.js';

export interface QueriesDeps {
  readonly database: Database;
  readonly log: EventLog;
  readonly catalog: Catalog;
  /** Given: what nothing refers to is collected from it, `graceMs` after it was stored. */
  readonly collected?: { readonly artifacts: ArtifactStore; readonly graceMs: number };
  /** What agents said as they said it is kept for so long after the end of their execution; default an hour. */
  readonly framesKeptMs?: number;
  /** Given, and with an address: the spans of executions are exported there. */
  readonly traces?: Config['traces'];
  readonly logger: Logger;
  readonly health?: HealthRegistry;
  readonly metrics?: Registry;
}

/** The station that folds events into PostgreSQL and answers reads. Database and log are started and stopped by whoever made them. */
export class QueriesService implements Startable {
  /** Usable as soon as the service is made; what it answers is as fresh as the projections. */
  readonly reads: Reads;
  readonly #executions: ExecutionProjection;
  readonly #frames: FrameProjection;
  readonly #progress: Progress;
  readonly #summons: Summons;
  readonly #lag: Lag;
  readonly #collector: Collector | undefined;
  readonly #frameCollector: FrameCollector;
  #traces: TraceExport | undefined;

  constructor(private readonly deps: QueriesDeps) {
    const { database, log, logger } = deps;
    const progress: Progress = new Progress(database, 'executions', (partition) => this.#summons.call(partition));
    this.#summons = new Summons(database, (partition) => progress.hurry(partition), logger);
    this.#progress = progress;
    this.#lag = new Lag(log, progress, logger);
    const metrics = deps.metrics && exposeQueries(deps.metrics, { lagMs: () => this.#lag.ms, stopped: () => this.#executions.health() !== true });
    if (deps.metrics) exposeLastCheck(deps.metrics, () => lastCheck(database));
    const onBatch = ({ topic, records }: Batch, seconds: number): void => metrics?.batch(topic, records.length, seconds);
    this.#executions = new ExecutionProjection({
      ...deps,
      progress,
      summons: this.#summons,
      onBatch: (batch, seconds) => {
        this.#lag.projected(batch.partition, (batch.records.at(-1)?.offset ?? 0) + 1 >= batch.end);
        onBatch(batch, seconds);
      },
    });
    const framesProgress = new Progress(database, 'frames');
    this.#frames = new FrameProjection({ database, log, logger, progress: framesProgress, onBatch });
    this.reads = new ReadsService({ database, log, catalog: deps.catalog, progress, framesProgress, lag: this.#lag });
    this.#frameCollector = new FrameCollector({ database, logger, keptMs: deps.framesKeptMs ?? 3_600_000 });
    this.#collector = deps.collected && new Collector({ database, log, logger, ...deps.collected });
    deps.health?.add('projection', () => this.#executions.health());
  }

  async start(): Promise<void> {
    await this.#executions.start();
    await this.#frames.start();
    this.#lag.start();
    this.#traces = await this.#openTraces();
    await this.#traces?.start();
    this.#collector?.start();
    this.#frameCollector.start();
  }

  async stop(): Promise<void> {
    this.#lag.stop();
    await Promise.all([this.#traces?.stop(), this.#executions.stop(), this.#frames.stop(), this.#collector?.stop(), this.#frameCollector.stop()]);
    await this.#summons.stop();
  }

  async #openTraces(): Promise<TraceExport | undefined> {
    const { traces, metrics } = this.deps;
    const { url } = traces ?? {};
    if (!traces || url === undefined) return undefined;
    // Only where spans are exported does anybody pay for what this loads.
    const { TraceExport } = await import('./traces/trace-export.js');
    return new TraceExport({ ...this.deps, progress: this.#progress, settings: { ...traces, url }, metrics: metrics && exposeExport(metrics) });
  }

  /** For logs and health pages. */
  describe(): { partitions: number[]; lagMs: number; projection: true | string } {
    return { partitions: this.#executions.partitions, lagMs: this.#lag.ms, projection: this.#executions.health() };
  }
}

import { Counter, Gauge, Histogram, type Registry } from '@runlog/platform';
import type { LastCheck } from './verify/last-check.js';

/** What an operator watches of the projections. */
export interface QueriesMetrics {
  /** A batch of so many records was written in so long. */
  batch(topic: string, records: number, seconds: number): void;
}

/** What the last comparison of all rows with the log found: the same from every process, because it is stored. Absent until there was one. */
export const exposeLastCheck = (registry: Registry, lastCheck: () => Promise<LastCheck | undefined>): void => {
  const expose = (name: string, help: string, read: (check: LastCheck) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['projection'],
      registers: [registry],
      async collect() {
        // While the database is away all other figures are told all the same.
        const check = await lastCheck().catch(() => undefined);
        if (check) this.set({ projection: 'executions' }, read(check));
      },
    });
  };
  expose('runlog_projection_drift', 'Executions, and sums over many, that were not the fold of the log when that was last checked', ({ drift }) => drift);
  expose('runlog_projection_checked_timestamp_seconds', 'When the read models were last compared with the log', ({ at }) => at / 1000);
};

/** What becomes of the spans of traces. */
export interface ExportMetrics {
  exported(spans: number): void;
  /** The collector did not take them this time. */
  failed(): void;
  dropped(reason: 'too_old' | 'unreadable', spans: number): void;
}

export const exposeExport = (registry: Registry): ExportMetrics => {
  const exported = new Counter({ name: 'runlog_traces_exported_spans_total', help: 'Spans that the collector has taken', registers: [registry] });
  const failed = new Counter({ name: 'runlog_traces_export_failures_total', help: 'Times that the collector did not take spans', registers: [registry] });
  const dropped = new Counter({
    name: 'runlog_traces_dropped_spans_total',
    help: 'Spans that were not exported: the collector was away for too long (too_old), or the history was not there to fold (unreadable: executions)',
    labelNames: ['reason'],
    registers: [registry],
  });
  return { exported: (spans) => exported.inc(spans), failed: () => failed.inc(), dropped: (reason, spans) => dropped.inc({ reason }, spans) };
};

export const exposeQueries = (registry: Registry, { lagMs, stopped }: { readonly lagMs: () => number; readonly stopped: () => boolean }): QueriesMetrics => {
  new Gauge({
    name: 'runlog_queries_lag_seconds',
    help: 'For how long some partition of the read models has not been level with the log',
    registers: [registry],
    collect() {
      this.set(lagMs() / 1000);
    },
  });
  new Gauge({
    name: 'runlog_queries_standing_still',
    help: 'A partition cannot be projected (1): see the log of the service',
    registers: [registry],
    collect() {
      this.set(stopped() ? 1 : 0);
    },
  });
  const records = new Counter({ name: 'runlog_queries_records_total', help: 'Records projected', labelNames: ['topic'], registers: [registry] });
  const seconds = new Histogram({
    name: 'runlog_queries_batch_seconds',
    help: 'Time to project a batch',
    labelNames: ['topic'],
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3],
    registers: [registry],
  });
  return {
    batch(topic, count, took) {
      records.inc({ topic }, count);
      seconds.observe({ topic }, took);
    },
  };
};

import { Counter, Gauge, Histogram, type Registry } from '@runlog/platform';

/** What an operator watches of the projections. */
export interface QueriesMetrics {
  /** A batch of so many records was written in so long. */
  batch(topic: string, records: number, seconds: number): void;
}

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

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Each probe of the event loop's delay wakes the process: at Node's default of 10 ms that is most of what an idle one does. */
const probeMs = 20;

/** A registry of its own with the process's metrics; each series carries the service's name. */
export const createMetrics = (service: string): Registry => {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: probeMs });
  watchEventLoop(registry);
  return registry;
};

/** Heartbeats run on the event loop, so its delay is a promise: p99 since the last scrape stays under 0.1 s. */
const watchEventLoop = (registry: Registry): void => {
  const delay = monitorEventLoopDelay({ resolution: probeMs });
  delay.enable();
  new Gauge({
    name: 'runlog_event_loop_delay_p99_seconds',
    help: 'p99 of the event loop delay since the last scrape',
    registers: [registry],
    collect() {
      this.set(delay.count > 0 ? delay.percentile(99) / 1e9 : 0);
      delay.reset();
    },
  });
};

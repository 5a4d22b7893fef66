import { Gauge, type Registry } from '@runlog/platform';
import type { RunnerService } from './runner.service.js';

/** What an operator watches of a runner, read when scraped. */
export const exposeRunner = (registry: Registry, service: Pick<RunnerService, 'describe'>): void => {
  const info = { name: 'runlog_runner_info', help: 'Always 1; the label is the id that histories name this runner by', labelNames: ['runner'] as const, registers: [registry] };
  new Gauge(info).set({ runner: service.describe().runner }, 1);
  const gauge = (name: string, help: string, value: (runner: ReturnType<RunnerService['describe']>) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value(service.describe()));
      },
    });
  gauge('runlog_runner_slots', 'Nodes that may run at a time', ({ slots }) => slots);
  gauge('runlog_runner_free_slots', 'Slots without a node', ({ free }) => free);
  gauge('runlog_runner_backlog', 'Tasks that wait for a slot', ({ backlog }) => backlog);
  gauge('runlog_runner_sandboxes', 'Child processes for code', ({ sandboxes }) => sandboxes);
  gauge('runlog_runner_frames_dropped', 'Log lines dropped because the log was away', ({ framesDropped }) => framesDropped);
};

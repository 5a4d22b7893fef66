import { availableParallelism, loadavg } from 'node:os';

/** How much slower than an idle one this machine is at present: the processes that want a core, per core; at least 1. */
export const slowness = (): number => Math.max(1, (loadavg()[0] ?? 1) / availableParallelism());

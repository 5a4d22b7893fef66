import { actionGraph } from './action-graph/action-graph.js';
import { agents } from './agents/agents.js';
import { canonical } from './canonical/canonical.js';
import type { Dialect, DialectName } from './dialect.js';
import { kinetic } from './kinetic/kinetic.js';
import { pods } from './pods/pods.js';
import { workerRuns } from './worker-runs/worker-runs.js';

/** Every dialect by its name. */
export const dialects: Readonly<Record<DialectName, Dialect>> = { canonical, kinetic, pods, agents, 'worker-runs': workerRuns, 'action-graph': actionGraph };

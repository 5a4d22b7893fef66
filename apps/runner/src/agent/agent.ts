import { defaultAgentSeconds } from '@runlog/execution';
import { type NodeContext, type NodeKind, type NodeResult, terminal } from '../kinds/node-kind.js';
import { runAgent } from './loop.js';

/** Agents wait for models most of the time: this many at a time cost a runner little. */
const MAX_AT_A_TIME = 2_000;

/** Runs an agent: models and tools in turn, until a model answers without a call. */
export const agent: NodeKind = {
  kind: 'agent',
  defaultTimeoutMs: defaultAgentSeconds * 1000,
  takesSteps: true,
  capacity: () => MAX_AT_A_TIME,

  run(context: NodeContext): Promise<NodeResult> {
    if (!context.agency) throw terminal('internal', 'Expected an attempt of an agent to have its agency');
    return runAgent(context, context.agency);
  },
};

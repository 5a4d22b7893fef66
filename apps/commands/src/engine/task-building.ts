import { type Execution, type Instant, type NodeId, type NodeTask, scopeOf } from '@runlog/execution';
import type { CompiledNode } from '@runlog/workflow';
import type { Live } from './live.js';

/** Everything but pure nodes, gates and delays goes to a runner. */
const goesToRunner = (node: CompiledNode): boolean => !node.pure && !node.gate && !node.delay;

/** The task of a node's present attempt; undefined when no runner has to do with it. */
export const taskFor = ({ execution, workflow }: Live, id: NodeId, at: Instant, traceparent?: string): NodeTask | undefined => {
  const node = workflow.nodes.get(id);
  const state = execution.nodes.get(id);
  if (!node || !state || !goesToRunner(node)) return undefined;
  const { definition } = node;
  return {
    executionId: execution.id,
    workspaceId: execution.workspaceId,
    workflowVersionId: workflow.versionId,
    node: id,
    attempt: state.attempt,
    kind: node.type,
    config: definition.config as NodeTask['config'],
    timeoutMs: node.timeoutMs,
    idempotencyKey: `${execution.id}:${id}`,
    effect: definition.effect ?? 'at_least_once',
    scope: scopeOf(execution, workflow, id),
    ...(traceparent === undefined ? {} : { traceparent }),
    at,
  };
};

/** Nodes that are scheduled and that nobody has started, as far as the state tells. */
export const scheduledNodes = (execution: Execution): NodeId[] => (execution.cancel ? [] : [...execution.active].filter((id) => execution.nodes.get(id)?.status === 'scheduled'));

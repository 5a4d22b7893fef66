import { type Execution, type Instant, idempotencyKeyOf, legAfter, type NodeId, type NodeTask, runsOnRunner, scopeOf } from '@runlog/execution';
import type { Live } from './live.js';

/** The task of a node's present attempt, with up to `legs` nodes that follow it; undefined when no runner has to do with it. */
export const taskFor = ({ execution, workflow }: Live, id: NodeId, at: Instant, legs: number, traceparent?: string): NodeTask | undefined => {
  const node = workflow.nodes.get(id);
  const state = execution.nodes.get(id);
  if (!node || !state || !runsOnRunner(node)) return undefined;
  const { definition } = node;
  const { bodies, ...scope } = scopeOf(execution, workflow, id);
  const leg = legAfter(execution, workflow, id, legs);
  return {
    executionId: execution.id,
    workspaceId: execution.workspaceId,
    workflowVersionId: workflow.versionId,
    node: id,
    attempt: state.attempt,
    kind: node.type,
    config: definition.config as NodeTask['config'],
    timeoutMs: node.timeoutMs,
    idempotencyKey: idempotencyKeyOf(execution, id),
    effect: node.effect?.class ?? null,
    scope,
    ...(bodies ? { bodies } : {}),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(leg ? { leg } : {}),
    at,
  };
};

/** Nodes that are scheduled and that nobody has started, as far as the state tells. */
export const scheduledNodes = (execution: Execution): NodeId[] => (execution.cancel ? [] : [...execution.active].filter((id) => execution.nodes.get(id)?.status === 'scheduled'));

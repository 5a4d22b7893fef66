import type { AttemptResource, ExecutionView, NodeResource, NodeView } from '@runlog/contract';
import type { CompiledNode, Workflow } from '@runlog/workflow';
import { nodeArtifact } from './artifacts.js';
import { utc, utcOrNull } from './execution-times.js';
import { nodeDuration } from './node-stats.js';

/** Every node of the pinned template, in its order; nodes that nothing happened to are idle. */
export const nodeResources = (execution: ExecutionView, workflow: Workflow, views: readonly NodeView[], now: number): NodeResource[] => {
  const known = new Map(views.map((view) => [view.node_id, view]));
  return [...workflow.nodes.values()].map((node) => nodeResource(execution.id, known.get(node.id) ?? idleNode(node), now));
};

const idleNode = ({ id, type, definition }: CompiledNode): NodeView => ({
  node_id: id,
  type,
  name: definition.name,
  status: 'idle',
  branch: null,
  output: null,
  error: null,
  scheduled_at: null,
  started_at: null,
  completed_at: null,
  stopped_at: null,
  failed_at: null,
  due_at: null,
  stop: null,
  attempts: [],
  reused_from: null,
});

const nodeResource = (executionId: string, node: NodeView, now: number): NodeResource => ({
  object: 'node',
  node_id: node.node_id,
  execution_id: executionId,
  type: node.type,
  name: node.name,
  status: node.status,
  branch: node.branch,
  output: node.output,
  output_ref: node.output_ref ? { name: nodeArtifact(node.node_id), ...node.output_ref } : null,
  error: node.error,
  scheduled_at: utcOrNull(node.scheduled_at),
  started_at: utcOrNull(node.started_at),
  completed_at: utcOrNull(node.completed_at),
  stopped_at: utcOrNull(node.stopped_at),
  failed_at: utcOrNull(node.failed_at),
  duration_ms: nodeDuration(node, now),
  reused_from: node.reused_from?.execution_id ?? null,
  attempts: node.attempts.map(attemptResource),
  effect: node.effect ? { idempotency_key: node.effect.key, standing: node.effect.standing, from_execution_id: node.effect.from?.execution_id ?? null } : null,
});

const attemptResource = (attempt: NodeView['attempts'][number]): AttemptResource => ({
  attempt: attempt.attempt,
  status: attempt.status,
  runner: attempt.runner,
  scheduled_at: utcOrNull(attempt.scheduled_at),
  started_at: utcOrNull(attempt.started_at),
  ended_at: utcOrNull(attempt.ended_at),
  error: attempt.error,
  late_report: attempt.late_report && { ...attempt.late_report, at: utc(attempt.late_report.at) },
});

import type { EdgeStats, ExecutionView, NodeStats, NodeView, TokenUsageResource } from '@runlog/contract';
import { START, type Workflow } from '@runlog/workflow';
import { utcOrNull } from './execution-times.js';
import { tokenUsage, usd } from './money.js';

const noTokens: TokenUsageResource = {
  prompt_tokens: 0,
  completion_tokens: 0,
  total_tokens: 0,
  input_uncached: 0,
  cache_read: 0,
  cache_write: 0,
  output_text: 0,
  reasoning: 0,
};

const idle: NodeStats = {
  status: 'idle',
  scheduled_at: null,
  started_at: null,
  completed_at: null,
  stopped_at: null,
  failed_at: null,
  attempts: 0,
  duration_ms: null,
  cost: 0,
  token_usage: noTokens,
};

/** Every node and edge of the pinned template: nodes that nothing happened to are idle, edges are derived. */
export const statsOf = (view: ExecutionView, workflow: Workflow, now: number): { [nodeOrEdge: string]: NodeStats | EdgeStats } => {
  const stats: { [nodeOrEdge: string]: NodeStats | EdgeStats } = {};
  // Several branches may lead to the same node: their edges share a name, and one that is open opens it.
  for (const { from, to, branch } of workflow.definition.edges)
    if (stats[`${from}-${to}`]?.status !== 'open') stats[`${from}-${to}`] = { status: isOpen(view, from, branch) ? 'open' : 'closed' };
  for (const id of workflow.nodes.keys()) {
    const node = view.nodes?.[id];
    stats[id] = node ? nodeStats(node, now) : idle;
  }
  return stats;
};

const isOpen = (view: ExecutionView, from: string, branch: string | undefined): boolean => {
  if (from === START) return view.started_at !== null;
  const node = view.nodes?.[from];
  return node?.status === 'completed' && (branch === undefined || branch === node.branch);
};

const nodeStats = (node: NodeView, now: number): NodeStats => ({
  status: node.status,
  scheduled_at: utcOrNull(node.scheduled_at),
  started_at: utcOrNull(node.started_at),
  completed_at: utcOrNull(node.completed_at),
  stopped_at: utcOrNull(node.stopped_at),
  failed_at: utcOrNull(node.failed_at),
  attempts: node.attempts.length,
  duration_ms: nodeDuration(node, now),
  cost: node.spent ? usd(node.spent.cost_nano_usd) : 0,
  token_usage: node.spent ? tokenUsage(node.spent.token_usage) : noTokens,
});

/** From its first start to its end, or to now while it goes on; null before its start. */
export const nodeDuration = ({ started_at, completed_at, failed_at, stopped_at }: NodeView, now: number): number | null =>
  started_at === null ? null : Math.max(0, (completed_at ?? failed_at ?? stopped_at ?? now) - started_at);

import type { ExecutionView, NodeView } from '@runlog/contract';

/** The members of a view that events change after the creation; every other one is settled then. Literals: objects that grow are several times as dear. */
const liveOf = (view: ExecutionView) => ({
  version: view.version,
  tip: view.tip,
  status: view.status,
  status_reason: view.status_reason,
  superseded_by: view.superseded_by,
  error: view.error,
  error_code: view.error_code,
  error_node_id: view.error_node_id,
  assigned_to_worker: view.assigned_to_worker,
  completed_actions_count: view.completed_actions_count,
  failed_actions_count: view.failed_actions_count,
  running_actions_count: view.running_actions_count,
  stopped_actions_count: view.stopped_actions_count,
  n_steps: view.n_steps,
  n_agent_actions: view.n_agent_actions,
  n_screenshots: view.n_screenshots,
  cost_nano_usd: view.cost_nano_usd,
  cost_complete: view.cost_complete,
  token_usage: view.token_usage,
  raised_budget_nano_usd: view.raised_budget_nano_usd,
  started_at: view.started_at,
  completed_at: view.completed_at,
  cancel_requested_at: view.cancel_requested_at,
  cancellation: view.cancellation,
  fault: view.fault,
  cancelled_at: view.cancelled_at,
  cancelled_by: view.cancelled_by,
  active_ms: view.active_ms,
  suspended_ms: view.suspended_ms,
  status_since: view.status_since,
  output_ref: view.output_ref,
  gates: view.gates,
});

/** Not folded from events, or kept in rows of their own. */
type ElsewhereMember = 'nodes' | 'output' | 'log_count' | 'last_log_line';
type LiveMember = keyof ReturnType<typeof liveOf>;
type Settled = Omit<ExecutionView, LiveMember | ElsewhereMember>;
/** Each member of `Stored`; what is undefined is left out of its JSON. */
type AllOf<Stored> = { readonly [Member in keyof Required<Stored>]: unknown };

/** A view as its row holds it: what never changes, what does, and the output. */
export interface StoredExecution {
  readonly settled: Settled;
  readonly live: Pick<ExecutionView, LiveMember>;
  readonly output: ExecutionView['output'] | null;
  readonly log_count?: number | null;
  readonly last_log_line?: string | null;
}

const settledOf = (view: ExecutionView): AllOf<Settled> => ({
  workflow_id: view.workflow_id,
  workflow_version_id: view.workflow_version_id,
  agent_id: view.agent_id,
  agent_version_id: view.agent_version_id,
  deployment_id: view.deployment_id,
  step_key: view.step_key,
  output_schema_name: view.output_schema_name,
  pod_id: view.pod_id,
  user_id: view.user_id,
  session_id: view.session_id,
  created_by: view.created_by,
  trigger: view.trigger,
  hashid: view.hashid,
  key: view.key,
  name: view.name,
  input: view.input,
  metadata: view.metadata,
  tags: view.tags,
  queue_name: view.queue_name,
  concurrency_key: view.concurrency_key,
  priority: view.priority,
  run_timeout_seconds: view.run_timeout_seconds,
  budget_nano_usd: view.budget_nano_usd,
  parent_execution_id: view.parent_execution_id,
  root_execution_id: view.root_execution_id,
  batch_id: view.batch_id,
  retry_of: view.retry_of,
  replay_of: view.replay_of,
  retry_count: view.retry_count,
  actions_count: view.actions_count,
  id: view.id,
  workspace_id: view.workspace_id,
  created_at: view.created_at,
  trace_id: view.trace_id,
  traceparent: view.traceparent,
  input_ref: view.input_ref,
  tree_budget_nano_usd: view.tree_budget_nano_usd,
});

export const settledJson = (view: ExecutionView): string => JSON.stringify(settledOf(view));

export const liveJson = (view: ExecutionView): string => JSON.stringify(liveOf(view));

/** The view without nodes. */
export const viewOf = ({ settled, live, output, log_count, last_log_line }: StoredExecution): ExecutionView => ({
  ...settled,
  ...live,
  output,
  log_count: log_count ?? 0,
  last_log_line: last_log_line ?? null,
});

const stateOf = (node: NodeView): AllOf<Omit<NodeView, 'output'>> => ({
  node_id: node.node_id,
  type: node.type,
  name: node.name,
  status: node.status,
  branch: node.branch,
  error: node.error,
  scheduled_at: node.scheduled_at,
  started_at: node.started_at,
  completed_at: node.completed_at,
  stopped_at: node.stopped_at,
  failed_at: node.failed_at,
  due_at: node.due_at,
  stop: node.stop,
  attempts: node.attempts,
  reused_from: node.reused_from,
  output_ref: node.output_ref,
  effect: node.effect,
  spent: node.spent,
  open_calls: node.open_calls,
});

/** A node's view as its row holds it: everything but the output. */
export const nodeStateJson = (node: NodeView): string => JSON.stringify(stateOf(node));

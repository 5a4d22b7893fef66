import type { ExecutionView, NodeView } from '@runlog/contract';

/** Members of a view that events change after the creation; every other one is settled then. */
const liveMembers = [
  'version',
  'tip',
  'status',
  'status_reason',
  'superseded_by',
  'error',
  'error_code',
  'error_node_id',
  'assigned_to_worker',
  'completed_actions_count',
  'failed_actions_count',
  'running_actions_count',
  'stopped_actions_count',
  'n_steps',
  'n_agent_actions',
  'n_screenshots',
  'cost_nano_usd',
  'cost_complete',
  'token_usage',
  'raised_budget_nano_usd',
  'started_at',
  'completed_at',
  'cancel_requested_at',
  'cancellation',
  'fault',
  'cancelled_at',
  'cancelled_by',
  'active_ms',
  'suspended_ms',
  'status_since',
  'output_ref',
  'gates',
] as const satisfies readonly (keyof ExecutionView)[];

/** Not folded from events, or kept in rows of their own. */
type ElsewhereMember = 'nodes' | 'output' | 'log_count' | 'last_log_line';
type LiveMember = (typeof liveMembers)[number];
type Settled = Omit<ExecutionView, LiveMember | ElsewhereMember>;

/** A view as its row holds it: what never changes, what does, and the output. */
export interface StoredExecution {
  readonly settled: Settled;
  readonly live: Pick<ExecutionView, LiveMember>;
  readonly output: ExecutionView['output'] | null;
  readonly log_count?: number | null;
  readonly last_log_line?: string | null;
}

const notSettled: ReadonlySet<string> = new Set([...liveMembers, 'nodes', 'output', 'log_count', 'last_log_line']);

export const settledJson = (view: ExecutionView): string => JSON.stringify(Object.fromEntries(Object.entries(view).filter(([name]) => !notSettled.has(name))));

export const liveJson = (view: ExecutionView): string => {
  const live: Record<string, unknown> = {};
  for (const member of liveMembers) live[member] = view[member];
  return JSON.stringify(live);
};

/** The view without nodes. */
export const viewOf = ({ settled, live, output, log_count, last_log_line }: StoredExecution): ExecutionView => ({
  ...settled,
  ...live,
  output,
  log_count: log_count ?? 0,
  last_log_line: last_log_line ?? null,
});

/** A node's view as its row holds it: everything but the output. */
export const nodeStateJson = ({ output: _output, ...state }: NodeView): string => JSON.stringify(state);

import type { BodyReference, BudgetScope } from '@runlog/execution';
import type { Json } from '@runlog/workflow';

/** The nine statuses of an execution. */
export type ExecutionStatus = 'pending' | 'queued' | 'running' | 'suspended' | 'awaiting_approval' | 'completed' | 'failed' | 'cancelled' | 'rejected';
export type NodeStatus = 'idle' | 'scheduled' | 'running' | 'waiting' | 'completed' | 'failed' | 'stopped' | 'skipped';

export interface GateView {
  readonly id: string;
  readonly node_id: string;
  readonly kind: 'approval' | 'question' | 'effect' | 'budget';
  readonly prompt: string;
  readonly schema: Json;
  readonly requested_at: number;
  readonly expires_at: number | null;
  readonly approvers: Json;
  readonly approvals_given: number;
  readonly approvals_needed: number;
  /** Of kind `budget`: whose is exhausted, what the next calls may cost, and what was left for them. */
  readonly budget?: { readonly scope: BudgetScope; readonly needed_nano_usd: string; readonly left_nano_usd: string };
  /** null while open. */
  readonly decided: {
    readonly decision: string;
    readonly by: string;
    readonly at: number;
    readonly answer: Json;
    readonly answer_ref?: BodyReference;
    readonly comment: string | null;
  } | null;
}

/** Tokens in buckets that share none. */
export interface TokenUsageView {
  readonly input_uncached: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly output_text: number;
  readonly reasoning: number;
}

/** What model calls used and cost. `cost_complete` false: the cost of some of them is not known, `cost_nano_usd` is the sum of the others. */
export interface SpendingView {
  readonly cost_nano_usd: string;
  readonly cost_complete: boolean;
  readonly token_usage: TokenUsageView;
}

/** A model call that has begun and not settled. */
export interface OpenCallView {
  readonly model: string;
  /** Set aside for it, where a budget applies. */
  readonly reserved_nano_usd: string | null;
}

export interface AttemptView {
  readonly attempt: number;
  readonly status: NodeStatus | 'lost';
  readonly runner: string | null;
  readonly scheduled_at: number | null;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** A report that arrived after the attempt was over and was refused. */
  readonly late_report: { readonly at: number; readonly report: string; readonly because: string } | null;
}

export interface NodeView {
  readonly node_id: string;
  readonly type: string;
  readonly name: string;
  readonly status: NodeStatus;
  readonly branch: string | null;
  readonly output: Json;
  /** Where the output is stored, as `input_ref` and `answer_ref` elsewhere; the member itself is null then. */
  readonly output_ref?: BodyReference;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly scheduled_at: number | null;
  readonly started_at: number | null;
  readonly completed_at: number | null;
  readonly stopped_at: number | null;
  readonly failed_at: number | null;
  /** When the delay that it is in ends, or its next attempt is due. */
  readonly due_at: number | null;
  /** How a node that was stopped ended; null: it was not. */
  readonly stop: { readonly outcome: 'stopped' | 'finished' | 'unknown'; readonly acknowledged: boolean; readonly signalled_at: number | null } | null;
  readonly attempts: readonly AttemptView[];
  /** It did not run here: the execution in which it completed, and that one's version. Its output is null in a fold: it stays there. */
  readonly reused_from: { readonly execution_id: string; readonly version: number } | null;
  /** Absent unless it declared one and began it. */
  readonly effect?: EffectView;
  /** Of its model calls over all attempts; absent: nothing is known to be spent. */
  readonly spent?: SpendingView;
  /** By the call's key; absent: there is none. */
  readonly open_calls?: { readonly [key: string]: OpenCallView };
}

/** What is known of a node's effect on the world. */
export interface EffectView {
  /** The idempotency key under which it was begun. */
  readonly key: string;
  /** `intended`: begun, and no receipt. `failed`: the node said that it failed, or had not begun. */
  readonly standing: 'intended' | 'recorded' | 'failed';
  /** What it gave, where that is not the node's output: it came behind the fence of a cancel, or the node was not reached yet. */
  readonly receipt?: Json;
  readonly receipt_ref?: BodyReference;
  readonly branch?: string;
  /** The execution in which it was had or begun, where that is another one. */
  readonly from?: { readonly execution_id: string; readonly version: number };
}

/**
 * One execution as the read models hold it: the canonical resource before time zones, dialects and live durations. Times are milliseconds UTC.
 * The same fold makes it for the projection, for `?at_version=` and for a gateway that waits for a create.
 */
export interface ExecutionView {
  readonly id: string;
  readonly workspace_id: string;
  readonly version: number;
  /** Id of the last event (chain hash). */
  readonly tip: string;
  readonly hashid: string;
  readonly key: string;
  readonly name: string;
  readonly workflow_id: string;
  readonly workflow_version_id: string;
  readonly agent_id: string | null;
  readonly agent_version_id: string | null;
  readonly deployment_id: string | null;
  readonly step_key: string | null;
  readonly output_schema_name: string | null;
  readonly pod_id: string;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly created_by: string;
  readonly trigger: { readonly kind: string; readonly id: string | null };
  readonly parent_execution_id: string | null;
  readonly root_execution_id: string | null;
  readonly batch_id: string | null;
  readonly retry_of: string | null;
  readonly replay_of: string | null;
  readonly retry_count: number;
  /** Its latest retry. */
  readonly superseded_by: string | null;
  readonly status: ExecutionStatus;
  readonly status_reason: string | null;
  readonly error: string | null;
  readonly error_code: string | null;
  readonly error_node_id: string | null;
  readonly input: Json;
  readonly input_ref?: BodyReference;
  readonly output: Json;
  readonly output_ref?: BodyReference;
  readonly metadata: { readonly [key: string]: Json };
  readonly tags: readonly string[];
  readonly queue_name: string | null;
  readonly concurrency_key: string | null;
  readonly priority: number;
  readonly run_timeout_seconds: number | null;
  readonly budget_nano_usd: string | null;
  readonly tree_budget_nano_usd?: string | null;
  /** What people have raised it to, if they have. */
  readonly raised_budget_nano_usd?: string | undefined;
  readonly assigned_to_worker: string | null;
  readonly actions_count: number;
  readonly completed_actions_count: number;
  readonly failed_actions_count: number;
  readonly running_actions_count: number;
  readonly stopped_actions_count: number;
  readonly n_steps: number;
  readonly n_agent_actions: number;
  readonly n_screenshots: number;
  readonly cost_nano_usd: string;
  readonly cost_complete: boolean;
  readonly token_usage: TokenUsageView;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly completed_at: number | null;
  readonly cancel_requested_at: number | null;
  /** Who asked to cancel it, and why; null: nobody did. */
  readonly cancellation: { readonly by: string; readonly reason: string | null } | null;
  readonly cancelled_at: number | null;
  readonly cancelled_by: string | null;
  /** Milliseconds active until `status_since`; add now - status_since while running. */
  readonly active_ms: number;
  readonly suspended_ms: number;
  readonly status_since: number;
  /** The command that could not be decided last, unless something has happened since. */
  readonly fault: { readonly at: number; readonly command_type: string; readonly error: string } | null;
  readonly trace_id: string | null;
  /** W3C, of the command that created it; absent: it had none. */
  readonly traceparent?: string;
  readonly gates: readonly GateView[];
  /** Absent in lists. By node id, only nodes that something happened to. */
  readonly nodes?: { readonly [node: string]: NodeView };
  readonly log_count: number;
  readonly last_log_line: string | null;
}

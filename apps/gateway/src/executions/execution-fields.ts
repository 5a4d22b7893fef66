import type { ExecutionResource } from '@runlog/contract';

type Field = keyof ExecutionResource;

/** Every member of an execution, in the order in which it is shown. */
export const executionFields = [
  'object', 'id', 'hashid', 'key', 'name', 'version',
  'workflow_id', 'workflow_version_id', 'agent_id', 'agent_version_id', 'deployment_id', 'step_key', 'output_schema_name', 'template',
  'workspace_id', 'pod_id', 'user_id', 'session_id', 'trigger',
  'parent_execution_id', 'root_execution_id', 'batch_id', 'retry_of', 'replay_of', 'retry_count',
  'status', 'is_terminal', 'status_reason', 'gates', 'error', 'error_code', 'error_node_id',
  'input', 'payload', 'output', 'result', 'execution_data', 'metadata', 'tags',
  'queue_name', 'concurrency_key', 'priority', 'run_timeout_seconds', 'assigned_to_worker',
  'actions_count', 'completed_actions_count', 'failed_actions_count', 'idle_actions_count', 'running_actions_count', 'stopped_actions_count',
  'n_steps', 'n_agent_actions', 'n_screenshots', 'stats',
  'token_usage', 'cost', 'cost_nano_usd', 'cost_complete', 'budget_usd',
  'created_at', 'created_at_utc', 'created_at_string', 'started_at', 'completed_at', 'cancel_requested_at', 'cancelled_at', 'cancelled_by',
  'duration_ms', 'queued_ms', 'active_ms', 'suspended_ms',
  'logs_url', 'output_url', 'video_url', 'trace_id', 'log',
] as const satisfies readonly Field[];

type Missing = Exclude<Field, (typeof executionFields)[number]>;
/** Fails to compile when a member of the resource is not in the list. */
export type EveryFieldListed = Missing extends never ? true : never;

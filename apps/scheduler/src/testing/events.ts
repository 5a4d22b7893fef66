import type { CreatedData, EventData, EventType, ExecutionId, GateRules, Instant, RecordedEvent } from '@runlog/execution';

/** An event of the execution at `at`; its chain members are empty because the scheduler does not look at them. */
export const eventOf = <Type extends EventType>(executionId: ExecutionId, version: number, at: Instant, type: Type, data: EventData[Type]): RecordedEvent =>
  ({ type, data, id: `${executionId}-${version}`, previous: version === 1 ? '' : `${executionId}-${version - 1}`, executionId, workspaceId: 'workspace-1', version, schemaVersion: 1, at, commandId: `command-${version}`, commandOffset: version, more: false }) as RecordedEvent;

export const createdData = (given: Partial<CreatedData> = {}): CreatedData => ({
  workflow_id: 'workflow-1',
  workflow_version_id: 'version-1',
  agent_id: null,
  agent_version_id: null,
  deployment_id: null,
  step_key: null,
  output_schema_name: null,
  pod_id: 'pod-1',
  user_id: null,
  session_id: null,
  created_by: 'user:ada',
  trigger: { kind: 'api', id: null },
  hashid: 'abcde',
  key: 'triage_1',
  name: 'Triage 1',
  run_number: 1,
  input: null,
  metadata: {},
  tags: [],
  queue_name: null,
  concurrency_key: null,
  priority: 0,
  run_timeout_seconds: null,
  timeout_includes_suspended: false,
  cancel_grace_seconds: 10,
  budget_nano_usd: null,
  parent_execution_id: null,
  root_execution_id: null,
  batch_id: null,
  retry_of: null,
  replay_of: null,
  retry_count: 0,
  actions_count: 1,
  ...given,
});

export const gateRules = (given: Partial<GateRules> = {}): GateRules => ({
  prompt: 'Pay?',
  schema: null,
  approvers: null,
  expires_at: null,
  on_expiry: 'reject',
  on_reject: 'reject',
  reminders_at: [],
  ...given,
});

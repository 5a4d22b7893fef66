import { describe, expect, it } from '@jest/globals';
import type { ExecutionView, NodeView } from '@runlog/contract';
import { compile } from '@runlog/workflow';
import { executionSchema } from '../openapi/execution-schema.js';
import { schemas } from '../openapi/schemas.js';
import { flawsOf } from '../testing/fitting.js';
import { executionFields } from './execution-fields.js';
import { executionResource } from './execution-resource.js';
import type { Presentation } from './presentation.js';

const created = Date.UTC(2025, 9, 6, 3, 49, 44, 123);

const workflow = compile('0199b7a3-0000-7000-8000-000000000001', {
  key: 'workflow',
  name: 'Workflow',
  nodes: [
    { id: 'fetch', type: 'http', name: 'Fetch', config: { method: 'GET', url: 'http://127.0.0.1' } },
    { id: 'large', type: 'condition', name: 'Large', config: { expression: 'true' } },
    { id: 'yes', type: 'transform', name: 'Yes', config: { expression: '1' } },
    { id: 'no', type: 'transform', name: 'No', config: { expression: '0' } },
  ],
  edges: [
    { from: 'start_of_workflow', to: 'fetch' },
    { from: 'fetch', to: 'large' },
    { from: 'large', to: 'yes', branch: 'true' },
    { from: 'large', to: 'no', branch: 'false' },
  ],
});

const node = (node_id: string, given: Partial<NodeView>): NodeView => ({
  node_id,
  type: 'transform',
  name: node_id,
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
  ...given,
});

const view: ExecutionView = {
  id: '0199b7a3-b994-7588-82bf-549a3600bc27',
  workspace_id: '0199b7a3-0000-7000-8000-000000000002',
  version: 9,
  tip: 'ab',
  hashid: 'v8brp',
  key: 'workflow_8',
  name: 'Workflow 8',
  workflow_id: '0199b7a3-0000-7000-8000-000000000003',
  workflow_version_id: workflow.versionId,
  agent_id: null,
  agent_version_id: null,
  deployment_id: null,
  step_key: null,
  output_schema_name: null,
  pod_id: '0199b7a3-0000-7000-8000-000000000004',
  user_id: null,
  session_id: null,
  created_by: 'user:key_rl_abc',
  trigger: { kind: 'api', id: null },
  parent_execution_id: null,
  root_execution_id: null,
  batch_id: null,
  retry_of: null,
  replay_of: null,
  retry_count: 0,
  superseded_by: null,
  status: 'running',
  status_reason: null,
  error: null,
  error_code: null,
  error_node_id: null,
  input: { a: 1 },
  output: null,
  metadata: {},
  tags: [],
  queue_name: null,
  concurrency_key: null,
  priority: 0,
  run_timeout_seconds: null,
  budget_nano_usd: '1500000000',
  assigned_to_worker: null,
  actions_count: 4,
  completed_actions_count: 2,
  failed_actions_count: 0,
  running_actions_count: 1,
  stopped_actions_count: 0,
  n_steps: 2,
  n_agent_actions: 0,
  n_screenshots: 0,
  cost_nano_usd: '2500000',
  cost_complete: true,
  token_usage: { input_uncached: 10, cache_read: 5, cache_write: 1, output_text: 7, reasoning: 2 },
  created_at: created,
  started_at: created + 100,
  completed_at: null,
  cancel_requested_at: null,
  cancellation: null,
  fault: null,
  cancelled_at: null,
  cancelled_by: null,
  active_ms: 1000,
  suspended_ms: 500,
  status_since: created + 1600,
  trace_id: null,
  gates: [],
  nodes: {
    fetch: node('fetch', { status: 'completed', output: { status: 200 }, started_at: created + 100, completed_at: created + 130 }),
    large: node('large', { status: 'completed', output: true, branch: 'true', started_at: created + 130, completed_at: created + 130 }),
    yes: node('yes', { status: 'running', started_at: created + 1600 }),
  },
  log_count: 2,
  last_log_line: 'hello',
};

const how: Pick<Presentation, 'address' | 'zone' | 'parts' | 'now'> = {
  zone: 'America/New_York',
  address: 'http://here',
  parts: new Set(['template', 'execution_data', 'stats']),
  now: created + 2600,
};

describe('executionResource', () => {
  it('has every field of the contract and nothing else', () => {
    expect(Object.keys(executionResource(view, workflow, how)).sort()).toEqual([...executionFields].sort());
    expect(Object.keys(executionSchema.properties).sort()).toEqual([...executionFields].sort());
  });

  it('fits its JSON Schema', () => {
    const resource = JSON.parse(JSON.stringify(executionResource(view, workflow, how)));
    expect(flawsOf({ components: { schemas } }, { $ref: '#/components/schemas/Execution' }, resource)).toEqual([]);
  });

  it('says when it was created as the asked zone does', () => {
    expect(executionResource(view, workflow, how)).toMatchObject({
      created_at: '2025-10-05T23:49:44.123-04:00',
      created_at_utc: '2025-10-06T03:49:44.123Z',
      created_at_string: 'Oct 05, 2025 11:49 pm EDT',
    });
    expect(executionResource(view, workflow, { ...how, zone: 'Europe/Berlin' }).created_at_string).toBe('Oct 06, 2025 05:49 am CEST');
    expect(executionResource(view, workflow, { ...how, zone: 'Asia/Tokyo' }).created_at_string).toBe('Oct 06, 2025 12:49 pm GMT+9');
    expect(executionResource(view, workflow, { ...how, zone: 'UTC' })).toMatchObject({ created_at: '2025-10-06T03:49:44.123Z', created_at_string: 'Oct 06, 2025 03:49 am UTC' });
  });

  it('counts durations up to now while it runs, and to the end afterwards', () => {
    expect(executionResource(view, workflow, how)).toMatchObject({ queued_ms: 100, active_ms: 2000, suspended_ms: 500, duration_ms: 2500 });
    const ended = executionResource({ ...view, status: 'completed', completed_at: created + 1600 }, workflow, how);
    expect(ended).toMatchObject({ queued_ms: 100, duration_ms: 1500, is_terminal: true });
    expect(executionResource({ ...view, status: 'queued', started_at: null, active_ms: 0, suspended_ms: 0 }, workflow, how)).toMatchObject({ queued_ms: 2600, duration_ms: null });
  });

  it('derives edges, and the counts add up', () => {
    const { stats, actions_count = 0, ...rest } = executionResource(view, workflow, how);
    const edges = Object.fromEntries(
      Object.entries(stats ?? {})
        .filter(([name]) => name.includes('-'))
        .map(([name, { status }]) => [name, status]),
    );
    expect(edges).toEqual({ 'start_of_workflow-fetch': 'open', 'fetch-large': 'open', 'large-yes': 'open', 'large-no': 'closed' });
    expect(stats?.no).toMatchObject({ status: 'idle', attempts: 0, duration_ms: null });
    expect(stats?.yes).toMatchObject({ status: 'running', duration_ms: 1000 });
    const { idle_actions_count = 0, running_actions_count = 0, completed_actions_count = 0, failed_actions_count = 0, stopped_actions_count = 0 } = rest;
    expect(idle_actions_count + running_actions_count + completed_actions_count + failed_actions_count + stopped_actions_count).toBe(actions_count);
  });

  it('has money as USD and exactly, tokens in buckets and summed', () => {
    expect(executionResource(view, workflow, how)).toMatchObject({
      cost: 0.0025,
      cost_nano_usd: '2500000',
      budget_usd: 1.5,
      token_usage: { prompt_tokens: 16, completion_tokens: 9, total_tokens: 25, cache_read: 5, reasoning: 2 },
    });
  });

  it('leaves out what is big unless it is asked for', () => {
    const listed = JSON.parse(JSON.stringify(executionResource(view, null, { ...how, parts: new Set() }))) as object;
    expect(['template', 'stats', 'execution_data', 'execution_data_refs'].filter((name) => name in listed)).toEqual([]);
  });

  it('shows open gates only', () => {
    const gate = {
      id: 'ask.1',
      node_id: 'ask',
      kind: 'approval' as const,
      prompt: '?',
      schema: null,
      requested_at: created,
      expires_at: null,
      approvers: null,
      approvals_given: 0,
      approvals_needed: 1,
      decided: null,
    };
    const gates = [gate, { ...gate, id: 'ask.2', decided: { decision: 'approve', by: 'user:a', at: created, answer: null, comment: null } }];
    expect(executionResource({ ...view, gates }, workflow, how).gates?.map(({ id }) => id)).toEqual(['ask.1']);
    expect(executionResource({ ...view, gates, status: 'cancelled' }, workflow, how).gates).toEqual([]);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { ExecutionView, NodeView } from '@runlog/contract';
import { compile, validateJson } from '@runlog/workflow';
import { CreateExecutionBody } from '../executions/create.dto.js';
import { executionResource } from '../executions/execution-resource.js';
import { ListQuery, statuses } from '../executions/list.dto.js';
import { nodeResources } from '../executions/node-resource.js';
import { RespondBody } from '../executions/verbs.dto.js';
import { schemas } from '../openapi/schemas.js';
import { dialectNames } from './dialect.js';
import { dialects } from './dialects.js';
import { dialectOf } from './spoken.js';
import { statusesOf, statusWords } from './status-words.js';
import { inTheirWords, translateBody, translateQuery } from './translate.js';

const workflow = compile('0199b7a3-0000-7000-8000-000000000001', {
  key: 'workflow',
  name: 'Workflow',
  nodes: [{ id: 'fetch', type: 'transform', name: 'Fetch', config: { expression: '1' } }],
  edges: [{ from: 'start_of_workflow', to: 'fetch' }],
});
const at = Date.UTC(2025, 9, 6, 3, 49, 44, 123);
const node: NodeView = {
  ...({
    node_id: 'fetch',
    type: 'transform',
    name: 'Fetch',
    status: 'completed',
    branch: null,
    output: 1,
    error: null,
    stop: null,
    attempts: [],
    reused_from: null,
  } as unknown as NodeView),
  scheduled_at: at,
  started_at: at,
  completed_at: at,
  stopped_at: null,
  failed_at: null,
  due_at: null,
};
const view = {
  ...Object.fromEntries(
    [
      'agent_id',
      'agent_version_id',
      'deployment_id',
      'step_key',
      'output_schema_name',
      'user_id',
      'session_id',
      'parent_execution_id',
      'root_execution_id',
      'batch_id',
      'retry_of',
    ].map((name) => [name, null]),
  ),
  ...Object.fromEntries(
    ['replay_of', 'superseded_by', 'status_reason', 'error', 'error_code', 'error_node_id', 'queue_name', 'concurrency_key', 'run_timeout_seconds'].map((name) => [name, null]),
  ),
  ...Object.fromEntries(
    ['budget_nano_usd', 'assigned_to_worker', 'completed_at', 'cancel_requested_at', 'cancelled_at', 'cancelled_by', 'trace_id', 'last_log_line'].map((name) => [name, null]),
  ),
  ...Object.fromEntries(
    ['retry_count', 'priority', 'failed_actions_count', 'running_actions_count', 'stopped_actions_count', 'n_agent_actions', 'n_screenshots'].map((name) => [name, 0]),
  ),
  id: '0199b7a3-b994-7588-82bf-549a3600bc27',
  workspace_id: '0199b7a3-0000-7000-8000-000000000002',
  pod_id: '0199b7a3-0000-7000-8000-000000000004',
  workflow_id: '0199b7a3-0000-7000-8000-000000000003',
  workflow_version_id: workflow.versionId,
  version: 9,
  hashid: 'v8brp',
  key: 'workflow_8',
  name: 'Workflow 8',
  trigger: { kind: 'api', id: null },
  status: 'running',
  input: { a: 1 },
  output: 7,
  metadata: {},
  tags: [],
  actions_count: 1,
  completed_actions_count: 1,
  n_steps: 1,
  cost_nano_usd: '0',
  cost_complete: true,
  token_usage: { input_uncached: 0, cache_read: 0, cache_write: 0, output_text: 0, reasoning: 0 },
  created_at: at,
  started_at: at,
  active_ms: 0,
  suspended_ms: 0,
  status_since: at,
  gates: [],
  nodes: { fetch: node },
  log_count: 1,
} as unknown as ExecutionView;
const how = { zone: 'UTC', address: 'http://here', parts: new Set(['template', 'execution_data', 'stats'] as const), now: at + 5 };
const sourceOf = (given: ExecutionView) => ({ execution: executionResource(given, workflow, how), nodes: nodeResources(given, workflow, [node], how.now), logs: [] });
const schemaNames = { kinetic: 'KineticExecution', pods: 'PodsExecution', agents: 'AgentsExecution', 'worker-runs': 'WorkerRun', 'action-graph': 'ActionGraphExecution' } as const;

/** The schema with what it refers to in place. */
const inlined = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(inlined);
  if (typeof schema !== 'object' || schema === null) return schema;
  const reference = (schema as { $ref?: string }).$ref;
  if (reference) return inlined(schemas[reference.replace('#/components/schemas/', '')]);
  return Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, inlined(value)]));
};

describe('a dialect', () => {
  it.each(dialectNames)('%s shows exactly its members, in their order, in every status', (name) => {
    for (const status of statuses) {
      const shown = dialects[name].execution(sourceOf({ ...view, status }));
      const [seen, listed] = [Object.keys(shown), [...dialects[name].fields]];
      expect(name === 'canonical' ? seen.sort() : seen).toEqual(name === 'canonical' ? listed.sort() : listed);
      expect(shown.status).toBe(statusWords[name][status]);
    }
  });

  it.each(Object.entries(schemaNames))('%s fits the schema %s', (name, schema) => {
    for (const status of statuses) {
      const shown = JSON.parse(JSON.stringify(dialects[name as keyof typeof schemaNames].execution(sourceOf({ ...view, status }))));
      expect(validateJson(JSON.parse(JSON.stringify(inlined(schemas[schema]))), shown)).toEqual([]);
    }
  });

  it('has words that lead back to the statuses they stand for', () => {
    for (const name of dialectNames) for (const status of statuses) expect(statusesOf(name, statusWords[name][status])).toContain(status);
    expect(statusesOf('pods', 'suspended')).toEqual(['suspended', 'awaiting_approval']);
    expect(statusesOf('kinetic', 'failed')).toEqual(['failed', 'cancelled', 'rejected']);
    expect(statusesOf('agents', 'queued')).toEqual([]);
  });
});

describe('which dialect is spoken', () => {
  const asked = (path: string, { query = {}, accept, key }: { query?: object; accept?: string; key?: string } = {}) =>
    dialectOf({ path, query, get: (name: string) => (name === 'accept' ? accept : undefined), principal: key === undefined ? undefined : { dialect: key } } as never).name;

  it('is the path, else ?dialect, else Accept, else the key, else canonical', () => {
    expect(asked('/api/workflows/w/execute', { query: { dialect: 'pods' } })).toBe('kinetic');
    expect([asked('/workspaces/w/pods/p/executions'), asked('/v1/workspaces/w/pods/p/executions')]).toEqual(['pods', 'pods']);
    expect(asked('/api/v1/executions', { query: { dialect: 'agents' }, accept: 'application/vnd.runlog.pods+json', key: 'kinetic' })).toBe('agents');
    expect(asked('/api/v1/executions', { accept: 'text/html, application/vnd.runlog.pods+json;q=0.9', key: 'kinetic' })).toBe('pods');
    expect(asked('/api/v1/executions', { accept: 'application/json', key: 'kinetic' })).toBe('kinetic');
    expect([asked('/api/v1/executions', { accept: '*/*' }), asked('/health/live', { key: 'pods' })]).toEqual(['canonical', 'canonical']);
    expect(() => asked('/api/v1/executions', { query: { dialect: 'klingon' } })).toThrow('klingon');
    expect(() => asked('/api/v1/executions', { accept: 'application/vnd.runlog.klingon+json' })).toThrow('klingon');
  });
});

describe('what is asked in a dialect', () => {
  it('is put into our words, and the rest is passed over', () => {
    expect(translateBody(dialects.kinetic, CreateExecutionBody, { inputPayload: 1, priority: 'high' }).members).toEqual({ input: 1 });
    expect(translateBody(dialects['worker-runs'], CreateExecutionBody, { payload: 1, step_key: 's', foo: 1 }).members).toEqual({ input: 1, step_key: 's' });
    expect(translateBody(dialects.pods, RespondBody, { approved: false, comment: 'c', reason: 'r', nodeId: 'n', decision: 'x' }).members).toEqual({
      decision: 'reject',
      comment: 'r',
      node_id: 'n',
    });
    expect(translateBody(dialects.canonical, CreateExecutionBody, { payload: 1 }).members).toEqual({ payload: 1 });
    expect(translateQuery(dialects.pods, ListQuery, { status: 'queued', workflowId: 'w', nonsense: '1' }).members).toEqual({ status: ['pending', 'queued'], workflowId: 'w' });
    expect(translateQuery(dialects['action-graph'], ListQuery, { starting_after: 'a', 'metadata[k]': 'v' }).members).toEqual({ after: 'a', 'metadata[k]': 'v' });
    expect(() => translateQuery(dialects.pods, ListQuery, { status: 'pending' })).toThrow('queued');
  });

  it('is named in problems as it was said', () => {
    const { names } = translateBody(dialects.kinetic, CreateExecutionBody, { input_payload: {} });
    expect(
      inTheirWords(
        [
          { pointer: '/input/n', detail: "Expected a member 'n'" },
          { pointer: '/other', detail: '' },
        ],
        names,
      ).map(({ pointer }) => pointer),
    ).toEqual(['/input_payload/n', '/other']);
  });
});

describe('an answer in pods', () => {
  const answer = (body: Partial<RespondBody>, kind: string) =>
    dialects.pods.respond?.(body as RespondBody, [{ id: 'pay.1', node_id: 'pay', kind, schema: null, decided: null }] as never);

  it('says of an effect that it was had, with its receipt, or that it failed', () => {
    expect(answer({ decision: 'approve', answer: { paid: 5 } }, 'effect')).toEqual({ decision: 'done', answer: { paid: 5 } });
    expect(answer({ decision: 'approve' }, 'effect')).toEqual({ decision: 'done', answer: null });
    expect(answer({ decision: 'reject', comment: 'no' }, 'effect')).toEqual({ decision: 'fail', comment: 'no' });
    expect(answer({ decision: 'approve' }, 'approval')).toEqual({ decision: 'approve' });
  });
});

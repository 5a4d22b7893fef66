import { STATUS_CODES } from 'node:http';

const id = '019a0f5e-8f3a-7c21-9d4e-5b6a7c8d9e0f';
const at = '2026-03-31T09:30:00.000Z';

/** An execution that waits for an approval. */
export const executionExample = {
  object: 'execution',
  id,
  hashid: 'Xk4Tq',
  key: 'payout_1',
  name: 'Payout 1',
  version: 6,
  workflow_id: '019a0f5e-1111-7c21-9d4e-5b6a7c8d9e0f',
  workflow_version_id: '019a0f5e-2222-7c21-9d4e-5b6a7c8d9e0f',
  agent_id: null,
  agent_version_id: null,
  deployment_id: null,
  step_key: null,
  output_schema_name: null,
  workspace_id: '019a0f5e-3333-7c21-9d4e-5b6a7c8d9e0f',
  pod_id: '019a0f5e-4444-7c21-9d4e-5b6a7c8d9e0f',
  user_id: null,
  session_id: null,
  trigger: { kind: 'api', id: null },
  parent_execution_id: null,
  root_execution_id: null,
  batch_id: null,
  retry_of: null,
  replay_of: null,
  retry_count: 0,
  status: 'awaiting_approval',
  is_terminal: false,
  status_reason: null,
  gates: [{ id: 'ask.1', node_id: 'ask', kind: 'approval', prompt: 'Pay 40?', schema: null, requested_at: at, expires_at: null, approvals_given: 0, approvals_needed: 1 }],
  error: null,
  error_code: null,
  error_node_id: null,
  input: { amount: 40 },
  payload: { amount: 40 },
  output: null,
  result: null,
  input_ref: null,
  output_ref: null,
  metadata: { customer: 'c1' },
  tags: ['march'],
  queue_name: null,
  concurrency_key: null,
  priority: 0,
  run_timeout_seconds: null,
  assigned_to_worker: null,
  actions_count: 2,
  completed_actions_count: 0,
  failed_actions_count: 0,
  idle_actions_count: 1,
  running_actions_count: 1,
  stopped_actions_count: 0,
  n_steps: 0,
  n_agent_actions: 0,
  n_screenshots: 0,
  token_usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, input_uncached: 0, cache_read: 0, cache_write: 0, output_text: 0, reasoning: 0 },
  cost: 0,
  cost_nano_usd: '0',
  cost_complete: true,
  budget_usd: null,
  created_at: at,
  created_at_utc: at,
  created_at_string: 'Mar 31, 2026 09:30 am UTC',
  started_at: at,
  completed_at: null,
  cancel_requested_at: null,
  cancelled_at: null,
  cancelled_by: null,
  duration_ms: 1200,
  queued_ms: 2,
  active_ms: 3,
  suspended_ms: 1197,
  logs_url: `http://127.0.0.1:4000/api/v1/executions/${id}/logs`,
  output_url: null,
  video_url: null,
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  log: { count: 0, last_line: null, url: `http://127.0.0.1:4000/api/v1/executions/${id}/logs` },
};

const create = { input: { amount: 40 }, metadata: { customer: 'c1' }, tags: ['march'] };

/** The workflow that the examples are of. */
const definitionExample = {
  key: 'payout',
  name: 'Payout',
  input_schema: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } },
  nodes: [
    { id: 'ask', type: 'approval', config: { prompt: 'Pay {{ input.amount }}?' } },
    { id: 'pay', type: 'transform', config: { expression: "{ 'paid': input.amount }" } },
  ],
  edges: [
    { from: 'start_of_workflow', to: 'ask' },
    { from: 'ask', to: 'pay' },
  ],
};

/** The agent that the examples are of. */
const agentExample = {
  key: 'order_support',
  name: 'Order support',
  model: { provider: 'openai', name: 'gpt-5-mini', secret: 'OPENAI_KEY' },
  system_prompt: 'You answer questions about orders, shortly.',
  prompt_template: '{{ input.message }}',
  tools: [
    {
      name: 'order_status',
      kind: 'http',
      description: 'Where an order is',
      input_schema: { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } },
      config: { url: 'https://orders.example.com/{{ input.order_id }}' },
    },
  ],
  input_schema: { type: 'object', required: ['message'], properties: { message: { type: 'string' } } },
  limits: { steps: 10, budget_usd: 0.5 },
};
const execute = { input: { message: 'Where is order 12345?' }, metadata: { channel: 'web' } };

/** Bodies by operation and name. */
export const bodyExamples: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  createWorkflow: { payout: definitionExample },
  validateWorkflow: { payout: definitionExample },
  publishWorkflowVersion: { renamed: { ...definitionExample, name: 'Payout, again' } },
  createAgent: { support: agentExample },
  validateAgent: { support: agentExample },
  publishAgentVersion: { renamed: { ...agentExample, name: 'Order support, again' } },
  executeAgent: { asked: execute, asynchronously: { ...execute, async_mode: true }, in_a_session: { ...execute, session_id: 'chat-42' } },
  createExecution: { payout: { workflow_id: 'payout', ...create } },
  createExecutionOfWorkflow: { payout: create },
  createExecutions: {
    two: {
      executions: [
        { workflow_id: 'payout', input: { amount: 1 } },
        { workflow_id: 'payout', ...create },
      ],
    },
  },
  cancelExecution: { because: { reason: 'not needed' } },
  retryExecution: { because: { reason: 'the card was blocked' } },
  replayExecution: { plan: { from_node_id: 'pay', plan: true }, from: { from_node_id: 'pay' }, anew: { input: { amount: 41 } } },
  respondToGate: { approve: { node_id: 'ask', decision: 'approve', comment: 'checked' } },
  putWorkspaceBudget: { monthly: { budget_usd: 25, period: 'month' }, none: { budget_usd: 0 } },
  putQueue: { two: { limit: 2, key_limit: 1, strategy: 'round_robin', ttl_seconds: 3600 }, pause: { paused: true } },
  runWorkflow: { payout: { payload: { amount: 40 } } },
  kineticExecute: { payout: { inputPayload: { amount: 40 } } },
  kineticRetry: { nothing: {} },
  podsTrigger: { payout: { workflowId: 'payout', input: { amount: 40 } } },
  podsRespond: { approve: { approved: true, reason: 'checked' } },
  podsReplay: { from: { fromNodeId: 'pay' } },
  putSecret: { token: { value: 'a-token-of-some-service' } },
  createApiKey: { billing: { name: 'billing', role: 'editor' }, approver: { name: 'on call', role: 'viewer', permissions: ['approve'] } },
  createWorkspace: { berlin: { slug: 'berlin', name: 'Berlin', timezone: 'Europe/Berlin' } },
  createPod: { billing: { slug: 'billing', name: 'Billing' } },
  createUser: { ada: { email: 'ada@example.com', name: 'Ada' } },
};

const codes: Readonly<Record<number, readonly [code: string, detail: string]>> = {
  400: ['invalid_query', "Expected 'limit' not to be greater than 100"],
  401: ['unauthenticated', 'Expected a valid API key, but this one is unknown or revoked'],
  403: ['forbidden', "Expected a key that may 'executions:create', but its role is viewer"],
  404: ['execution_not_found', "Expected to find execution 'payout_9', but there is none"],
  409: ['gate_decided', "Expected gate 'ask.1' to be open, but it is answered"],
  412: ['version_changed', `Expected execution '${id}' at version 6, but it stands at 7`],
  413: ['body_too_large', 'Expected a body of at most 1048576 bytes, but it has more'],
  415: ['unsupported_media_type', "Expected Content-Type 'application/json' in UTF-8, but got 'text/plain'"],
  416: ['no_such_range', 'Expected a range within the file, but it ends before'],
  422: ['invalid_input', '/input/amount: Expected a number, but got a string'],
  429: ['rate_limited', 'Expected at most 500 requests a second with this key, but there were more'],
  500: ['internal_error', 'Expected to serve the request, but something failed inside; the request id is in the log'],
  503: ['unavailable', 'Expected the database and the log to answer, but one of them does not; try again'],
};

/** A problem with this status. */
export const problemExample = (status: number): object => {
  const [code, detail] = codes[status] ?? ['problem', 'Expected something else'];
  const errors = status === 422 ? [{ pointer: '/input/amount', detail: 'Expected a number, but got a string' }] : [];
  return { type: `urn:runlog:problem:${code}`, title: STATUS_CODES[status] ?? 'Error', status, detail, code, request_id: '3f0e1c52-8a77-4b06-9d6c-2f8f5c1d7a10', errors };
};

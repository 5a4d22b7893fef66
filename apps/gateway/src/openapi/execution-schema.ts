import { statuses } from '../executions/list.dto.js';

const text = { type: 'string' };
const textOrNull = { type: ['string', 'null'] };
const time = { type: 'string', format: 'date-time' };
const timeOrNull = { type: ['string', 'null'], format: 'date-time' };
const count = { type: 'integer', minimum: 0 };
const id = { type: 'string', format: 'uuid' };
const idOrNull = { type: ['string', 'null'] };
const open = { type: 'object', additionalProperties: true };

const tokenUsage = {
  type: 'object',
  properties: Object.fromEntries(
    ['prompt_tokens', 'completion_tokens', 'total_tokens', 'input_uncached', 'cache_read', 'cache_write', 'output_text', 'reasoning'].map((name) => [name, count]),
  ),
};

const gate = {
  type: 'object',
  properties: {
    id: text,
    node_id: text,
    kind: { type: 'string', enum: ['approval', 'question'] },
    prompt: text,
    schema: {},
    requested_at: time,
    expires_at: timeOrNull,
    approvals_given: count,
    approvals_needed: count,
  },
};

const template = {
  type: 'object',
  properties: {
    nodes: { type: 'array', items: { type: 'object', properties: { id: text, type: text, name: text } } },
    edges: { type: 'array', items: { type: 'object', properties: { from: text, to: text, branch: text } } },
    width: { type: 'number' },
    height: { type: 'number' },
    positions: { type: 'object', additionalProperties: { type: 'object', properties: { x: { type: 'number' }, y: { type: 'number' } } } },
    action_types: { type: 'array', items: {} },
  },
};

/** An execution. With `fields` only some members are there, so none is required but by its own presence. */
export const executionSchema = {
  type: 'object',
  description: 'One run of a workflow. Lists leave out template, execution_data and stats unless expanded; `fields` leaves only what it names.',
  properties: {
    object: { const: 'execution' },
    id,
    hashid: text,
    key: text,
    name: text,
    version: { type: 'integer', minimum: 1, description: 'Events so far' },
    workflow_id: id,
    workflow_version_id: id,
    agent_id: idOrNull,
    agent_version_id: idOrNull,
    deployment_id: idOrNull,
    step_key: textOrNull,
    output_schema_name: textOrNull,
    template,
    workspace_id: id,
    pod_id: id,
    user_id: textOrNull,
    session_id: textOrNull,
    trigger: { type: 'object', properties: { kind: text, id: textOrNull } },
    parent_execution_id: idOrNull,
    root_execution_id: idOrNull,
    batch_id: textOrNull,
    retry_of: idOrNull,
    replay_of: idOrNull,
    retry_count: count,
    status: { type: 'string', enum: statuses },
    is_terminal: { type: 'boolean' },
    status_reason: textOrNull,
    gates: { type: 'array', items: gate, description: 'Open questions to humans' },
    error: textOrNull,
    error_code: textOrNull,
    error_node_id: textOrNull,
    input: {},
    payload: { description: 'The same as input' },
    output: {},
    result: { description: 'The same as output' },
    execution_data: { ...open, description: 'Outputs by node id' },
    metadata: open,
    tags: { type: 'array', items: text },
    queue_name: textOrNull,
    concurrency_key: textOrNull,
    priority: { type: 'integer' },
    run_timeout_seconds: { type: ['integer', 'null'] },
    assigned_to_worker: textOrNull,
    actions_count: count,
    completed_actions_count: count,
    failed_actions_count: count,
    idle_actions_count: count,
    running_actions_count: count,
    stopped_actions_count: count,
    n_steps: count,
    n_agent_actions: count,
    n_screenshots: count,
    stats: {
      type: 'object',
      additionalProperties: { type: 'object', properties: { status: text }, required: ['status'] },
      description: 'By node id, and by <from>-<to> for edges',
    },
    token_usage: tokenUsage,
    cost: { type: 'number', description: 'USD' },
    cost_nano_usd: text,
    cost_complete: { type: 'boolean' },
    budget_usd: { type: ['number', 'null'] },
    created_at: time,
    created_at_utc: time,
    created_at_string: text,
    started_at: timeOrNull,
    completed_at: timeOrNull,
    cancel_requested_at: timeOrNull,
    cancelled_at: timeOrNull,
    cancelled_by: textOrNull,
    duration_ms: { type: ['integer', 'null'], minimum: 0 },
    queued_ms: count,
    active_ms: count,
    suspended_ms: count,
    logs_url: text,
    output_url: textOrNull,
    video_url: textOrNull,
    trace_id: textOrNull,
    log: { type: 'object', properties: { count, last_line: textOrNull, url: text } },
  },
};

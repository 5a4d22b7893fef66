import type { OpenAPIObject } from '@nestjs/swagger';
import { executionSchema } from './execution-schema.js';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Schema = Record<string, unknown>;

const text = { type: 'string' };
const textOrNull = { type: ['string', 'null'] };
const time = { type: 'string', format: 'date-time' };
const timeOrNull = { type: ['string', 'null'], format: 'date-time' };
const count = { type: 'integer', minimum: 0 };
const countOrNull = { type: ['integer', 'null'], minimum: 0 };
const id = { type: 'string', format: 'uuid' };
const open = { type: 'object', additionalProperties: true };
const nodeStatus = { type: 'string', enum: ['idle', 'scheduled', 'running', 'waiting', 'completed', 'failed', 'stopped', 'skipped'] };
const failure = { type: ['object', 'null'], properties: { code: text, message: text }, required: ['code', 'message'] };

/** Every member is always there unless it is named as optional. */
const object = (properties: Schema, optional: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

const both = (schema: Schema): Schema => object({ a: schema, b: schema });

const attempt = object({
  attempt: { type: 'integer', minimum: 1 },
  status: { type: 'string', enum: [...nodeStatus.enum, 'lost'] },
  runner: textOrNull,
  scheduled_at: timeOrNull,
  started_at: timeOrNull,
  ended_at: timeOrNull,
  error: failure,
  late_report: { type: ['object', 'null'], properties: { at: time, report: text, because: text } },
});

const cause = object(
  {
    kind: { type: 'string', enum: ['gate', 'slot', 'delay', 'retry', 'no_runner', 'queue_paused', 'budget', 'child', 'fault'] },
    since: time,
    until: time,
    node_id: text,
    gate_id: text,
    queue_name: text,
    held_by: { type: 'array', items: text },
    detail: text,
    unblock: { type: 'array', items: object({ action: text, by: text }) },
  },
  ['until', 'node_id', 'gate_id', 'queue_name', 'held_by'],
);

/** Resources of the API as JSON Schemas (the components of the OpenAPI document). */
export const schemas = {
  Execution: executionSchema,
  List: object(
    {
      object: { const: 'list' },
      data: { type: 'array', items: {} },
      has_more: { type: 'boolean' },
      next_cursor: textOrNull,
      prev_cursor: textOrNull,
      meta: object({ total: count, page: count, limit: count, total_pages: count, total_capped: { const: true } }, ['total_capped']),
    },
    ['meta'],
  ),
  Event: object(
    {
      object: { const: 'event' },
      id: text,
      execution_id: id,
      version: { type: 'integer', minimum: 1 },
      type: text,
      schema_version: count,
      at: time,
      previous: text,
      command_id: text,
      command_offset: count,
      workspace_id: id,
      node_id: text,
      attempt: count,
      data: open,
    },
    ['node_id', 'attempt'],
  ),
  LogLine: object({
    seq: count,
    at: time,
    level: { type: 'string', enum: ['debug', 'info', 'warn', 'error'] },
    node_id: textOrNull,
    attempt: countOrNull,
    message: text,
    fields: {},
  }),
  Node: object({
    object: { const: 'node' },
    node_id: text,
    execution_id: id,
    type: text,
    name: text,
    status: nodeStatus,
    branch: textOrNull,
    output: {},
    error: failure,
    scheduled_at: timeOrNull,
    started_at: timeOrNull,
    completed_at: timeOrNull,
    stopped_at: timeOrNull,
    failed_at: timeOrNull,
    duration_ms: countOrNull,
    reused_from: { type: ['string', 'null'], format: 'uuid' },
    attempts: { type: 'array', items: attempt },
  }),
  Why: object({ object: { const: 'why' }, status: text, causes: { type: 'array', items: cause } }),
  Plan: object({
    object: { const: 'plan' },
    nodes: { type: 'array', items: object({ node_id: text, action: { type: 'string', enum: ['reuse', 'run', 'ask'] } }) },
    repeated_effects: { type: 'array', items: text },
    cost_estimate: { type: 'number', minimum: 0 },
  }),
  Approval: object({
    id: text,
    execution_id: id,
    execution_key: text,
    workflow_id: id,
    node_id: text,
    kind: { type: 'string', enum: ['approval', 'question', 'effect'] },
    prompt: text,
    schema: {},
    requested_at: time,
    expires_at: timeOrNull,
    approvals_given: count,
    approvals_needed: count,
  }),
  Cancellation: object({
    requested_at: time,
    by: text,
    reason: textOrNull,
    acknowledged: { type: 'boolean' },
    nodes: {
      type: 'array',
      items: object({ node_id: text, attempt: count, outcome: { type: 'string', enum: ['stopped', 'finished', 'unknown'] }, ms: countOrNull, signalled_ms: count }, [
        'signalled_ms',
      ]),
    },
  }),
  Proof: object({
    execution_id: id,
    valid: { type: 'boolean' },
    length: count,
    tip: text,
    events: { type: 'array', items: object({ version: { type: 'integer', minimum: 1 }, id: text, previous: text, type: text }) },
  }),
  Diff: object({
    a: id,
    b: id,
    first_divergence: {
      type: ['object', 'null'],
      properties: { node_id: text, field: { type: 'string', enum: ['input', 'status', 'branch', 'output', 'error'] }, a: {}, b: {} },
      required: ['node_id', 'field', 'a', 'b'],
    },
    nodes: {
      type: 'array',
      items: object({
        node_id: text,
        status: both({ type: ['string', 'null'], enum: [...nodeStatus.enum, null] }),
        output_equal: { type: 'boolean' },
        duration_ms: both(countOrNull),
        cost: both({ type: 'number' }),
      }),
    },
  }),
  Workflow: object({
    object: { const: 'workflow' },
    id,
    key: text,
    name: text,
    description: textOrNull,
    workspace_id: id,
    version: count,
    workflow_version_id: id,
    definition: open,
    created_at: time,
    updated_at: time,
  }),
  WorkflowVersion: object({ object: { const: 'workflow_version' }, id, workflow_id: id, version: count, definition: open, created_at: time, created_by: textOrNull }),
  Validation: object({ valid: { type: 'boolean' }, errors: { type: 'array', items: object({ pointer: text, detail: text, suggestion: text }, ['suggestion']) } }),
  Secret: object({ object: { const: 'secret' }, name: text, created_at: time, updated_at: time }),
  ApiKey: object(
    {
      object: { const: 'api_key' },
      id,
      name: text,
      prefix: text,
      role: { type: 'string', enum: ['viewer', 'editor', 'admin'] },
      pod_id: textOrNull,
      dialect: textOrNull,
      created_at: time,
      key: text,
    },
    ['key'],
  ),
  Problem: object(
    {
      type: text,
      title: text,
      status: { type: 'integer' },
      detail: text,
      code: text,
      request_id: text,
      errors: { type: 'array', items: object({ pointer: text, detail: text, suggestion: text }, ['suggestion']) },
      state: {},
    },
    ['state'],
  ),
} as unknown as Schemas;

import { dialectSchemas } from '../dialects/schemas.js';
import { definitionSchemas } from './definition-schemas.js';
import { executionPartSchema, executionSchema } from './execution-schema.js';
import { frameSchemas } from './frame-schemas.js';
import {
  arrayOf,
  count,
  countOrNull,
  id,
  idOrNull,
  json,
  jsonObject,
  listOf,
  mapOf,
  nanoUsd,
  object,
  oneOfWords,
  orNull,
  ref,
  type Schema,
  text,
  textOrNull,
  time,
  timeOrNull,
} from './json-schema.js';

const nodeStatuses = ['idle', 'scheduled', 'running', 'waiting', 'completed', 'failed', 'stopped', 'skipped'];
const nodeStatus = oneOfWords(nodeStatuses);
const failure = orNull(object({ code: text, message: text }));
const positive: Schema = { type: 'integer', minimum: 1 };
const queueSettings = {
  limit: orNull(positive),
  key_limit: positive,
  strategy: oneOfWords(['queue', 'cancel_running', 'cancel_newest', 'round_robin']),
  ttl_seconds: orNull(positive),
  paused: { type: 'boolean' },
};
const queueMembers = {
  object: { const: 'queue' },
  name: text,
  ...queueSettings,
  counts: object({ held: count, waiting: count }),
  created_at: timeOrNull,
  updated_at: timeOrNull,
  updated_by: textOrNull,
};
const spanId: Schema = { type: 'string', pattern: '^[0-9a-f]{16}$' };
const usd: Schema = { type: 'number', minimum: 0, description: 'USD' };
const roles = oneOfWords(['viewer', 'editor', 'admin']);

const both = (schema: Schema): Schema => object({ a: schema, b: schema });

const gate = {
  id: { type: 'string', examples: ['ask.1'] },
  node_id: text,
  kind: oneOfWords(['approval', 'question', 'effect', 'budget']),
  prompt: text,
  schema: { description: 'JSON Schema of the answer; null: anything' },
  requested_at: time,
  expires_at: timeOrNull,
  approvals_given: count,
  approvals_needed: count,
};

const artifact = { name: text, digest: { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' }, bytes: count, media_type: text };
const reference = { ...artifact, preview: { type: 'string', description: 'Its first characters' } };

const tokens = ['prompt_tokens', 'completion_tokens', 'total_tokens'];
const buckets = ['input_uncached', 'cache_read', 'cache_write', 'output_text', 'reasoning'];
const counts = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, count]));

const attempt = object({
  attempt: positive,
  status: oneOfWords([...nodeStatuses, 'lost']),
  runner: textOrNull,
  scheduled_at: timeOrNull,
  started_at: timeOrNull,
  ended_at: timeOrNull,
  error: failure,
  late_report: { ...orNull(object({ at: time, report: text, because: text })), description: 'A report that came after the attempt was over and was refused' },
});

const cause = object(
  {
    kind: oneOfWords(['gate', 'slot', 'delay', 'retry', 'no_runner', 'queue_paused', 'budget', 'child', 'fault']),
    since: time,
    until: time,
    node_id: text,
    gate_id: text,
    queue_name: text,
    held_by: arrayOf(id),
    detail: text,
    unblock: arrayOf(object({ action: text, by: text })),
  },
  ['until', 'node_id', 'gate_id', 'queue_name', 'held_by'],
);

const resources = {
  Execution: executionSchema,
  ExecutionPart: executionPartSchema,
  Reference: object(reference, ['preview']),
  Artifact: object({ object: { const: 'artifact' }, ...artifact, node_id: textOrNull, gate_id: textOrNull, url: text }),
  Template: object({
    nodes: arrayOf(object({ id: text, type: text, name: text })),
    edges: arrayOf(object({ from: text, to: text, branch: text }, ['branch'])),
    width: { type: 'number' },
    height: { type: 'number' },
    positions: mapOf(object({ x: { type: 'number' }, y: { type: 'number' } })),
    action_types: arrayOf(json),
  }),
  Gate: object(gate),
  NodeStats: object({
    status: nodeStatus,
    scheduled_at: timeOrNull,
    started_at: timeOrNull,
    completed_at: timeOrNull,
    stopped_at: timeOrNull,
    failed_at: timeOrNull,
    attempts: count,
    duration_ms: countOrNull,
    cost: usd,
    token_usage: ref('TokenUsage'),
  }),
  EdgeStats: object({ status: oneOfWords(['open', 'closed']) }),
  TokenUsage: object(counts([...tokens, ...buckets])),
  PageMeta: {
    ...object({ total: count, page: positive, limit: positive, total_pages: count, total_capped: { const: true, description: 'There are more than `total`' } }, ['total_capped']),
    description: 'Only where pages are asked for by number',
  },
  Event: object(
    {
      object: { const: 'event' },
      id: { type: 'string', description: 'Hash of this event and of the one before' },
      execution_id: id,
      version: positive,
      type: { type: 'string', pattern: '^[A-Z][A-Za-z]+$', examples: ['ExecutionCreated', 'NodeCompleted', 'ApprovalRequested'] },
      schema_version: count,
      at: time,
      previous: { type: 'string', description: 'Id of the event before, empty for the first' },
      command_id: text,
      command_offset: count,
      workspace_id: id,
      node_id: text,
      attempt: positive,
      data: jsonObject,
    },
    ['node_id', 'attempt'],
  ),
  LogLine: object({
    seq: count,
    at: time,
    level: oneOfWords(['debug', 'info', 'warn', 'error']),
    node_id: textOrNull,
    attempt: countOrNull,
    message: text,
    fields: json,
  }),
  Node: object({
    object: { const: 'node' },
    node_id: text,
    execution_id: id,
    type: text,
    name: text,
    status: nodeStatus,
    branch: textOrNull,
    output: json,
    output_ref: { ...orNull(ref('Reference')), description: 'Where the output is, when it is too large for the answer' },
    error: failure,
    scheduled_at: timeOrNull,
    started_at: timeOrNull,
    completed_at: timeOrNull,
    stopped_at: timeOrNull,
    failed_at: timeOrNull,
    duration_ms: countOrNull,
    reused_from: { ...idOrNull, description: 'The execution in which it ran, where a replay took its result over' },
    attempts: arrayOf(attempt),
    effect: orNull(object({ idempotency_key: text, standing: oneOfWords(['intended', 'recorded', 'failed']), from_execution_id: idOrNull })),
  }),
  Why: object({ object: { const: 'why' }, status: text, causes: arrayOf(cause) }),
  Plan: object({
    object: { const: 'plan' },
    nodes: arrayOf(object({ node_id: text, action: oneOfWords(['reuse', 'run', 'ask']) })),
    repeated_effects: { ...arrayOf(text), description: 'Nodes whose effects would happen again' },
    cost_estimate: usd,
  }),
  Approval: object({ ...gate, execution_id: id, execution_key: text, workflow_id: id }),
  Cancellation: object({
    requested_at: time,
    by: text,
    reason: textOrNull,
    acknowledged: { type: 'boolean' },
    nodes: arrayOf(object({ node_id: text, attempt: count, outcome: oneOfWords(['stopped', 'finished', 'unknown']), ms: countOrNull, signalled_ms: count }, ['signalled_ms'])),
  }),
  Trace: object({
    object: { const: 'trace' },
    execution_id: id,
    trace_id: { type: 'string', pattern: '^[0-9a-f]{32}$' },
    status: text,
    version: positive,
    span_count: count,
    truncated: { type: 'boolean', description: 'There are more than the 10,000 that are shown' },
    root: ref('Span'),
  }),
  Span: object({
    span_id: spanId,
    parent_span_id: { ...orNull(spanId), description: "Of the execution's own span: of the request that created it" },
    name: text,
    kind: oneOfWords(['internal', 'server', 'client', 'producer', 'consumer']),
    status: oneOfWords(['unset', 'ok', 'error']),
    status_message: textOrNull,
    start_at: time,
    end_at: { ...timeOrNull, description: 'null: it goes on' },
    offset_ms: { ...count, description: "Since the execution's own span began" },
    duration_ms: count,
    attributes: { ...jsonObject, description: 'OpenTelemetry semantic conventions, else runlog.*' },
    events: arrayOf(object({ name: text, at: time, attributes: jsonObject })),
    links: arrayOf(object({ trace_id: text, span_id: spanId, attributes: jsonObject })),
    children: arrayOf(ref('Span')),
  }),
  Otlp: { ...object({ resourceSpans: arrayOf(jsonObject) }), description: 'OTLP/JSON: POST it to /v1/traces of a collector' },
  Proof: object({
    execution_id: id,
    valid: { type: 'boolean' },
    length: count,
    tip: text,
    events: arrayOf(object({ version: positive, id: text, previous: text, type: text })),
  }),
  Diff: object({
    a: id,
    b: id,
    first_divergence: orNull(object({ node_id: text, field: oneOfWords(['input', 'status', 'branch', 'output', 'error']), a: json, b: json })),
    nodes: arrayOf(
      object({
        node_id: text,
        status: both({ type: ['string', 'null'], enum: [...nodeStatuses, null] }),
        output_equal: { type: 'boolean' },
        duration_ms: both(countOrNull),
        cost: both(usd),
      }),
    ),
  }),
  Batch: object({
    batch_id: id,
    data: arrayOf(object({ index: count, status: { type: 'integer' }, id, problem: ref('Problem') }, ['id', 'problem'])),
  }),
  Workflow: object({
    object: { const: 'workflow' },
    id,
    key: text,
    name: text,
    description: textOrNull,
    workspace_id: id,
    version: { ...positive, description: 'Number of the latest version' },
    workflow_version_id: id,
    definition: jsonObject,
    created_at: time,
    updated_at: time,
  }),
  WorkflowVersion: object({
    object: { const: 'workflow_version' },
    id,
    workflow_id: id,
    version: positive,
    definition: jsonObject,
    created_at: time,
    created_by: textOrNull,
  }),
  Validation: object({ valid: { type: 'boolean' }, errors: arrayOf(ref('ProblemPointer')) }),
  Queue: object(queueMembers),
  QueueDetail: object({
    ...queueMembers,
    holders: {
      ...arrayOf(object({ execution_id: id, concurrency_key: textOrNull, since: time })),
      description: 'Longest first, at most 100; a key of one pod sees those of its pod',
    },
    changes: { ...arrayOf(object({ at: time, by: text, ...queueSettings })), description: 'Newest first, at most 20: the settings after each' },
  }),
  Secret: object({ object: { const: 'secret' }, name: text, created_at: time, updated_at: time }),
  ApiKey: object(
    {
      object: { const: 'api_key' },
      id,
      name: text,
      prefix: { type: 'string', description: 'How the key begins' },
      role: roles,
      permissions: arrayOf(oneOfWords(['run', 'approve'])),
      user_id: idOrNull,
      pod_id: idOrNull,
      dialect: textOrNull,
      created_at: time,
      key: { type: 'string', description: 'Only in the answer that made it' },
    },
    ['key'],
  ),
  User: object({ object: { const: 'user' }, id, email: { type: 'string', format: 'email' }, name: text, created_at: time }),
  AuditEntry: object({
    object: { const: 'audit_entry' },
    id,
    at: time,
    actor: text,
    key_prefix: text,
    action: { type: 'string', description: 'An operationId of this document' },
    target: { type: 'string', description: 'The path it was done at' },
    status: { type: 'integer', description: 'HTTP status of the answer' },
    request_id: text,
  }),
  CreatedWorkspace: object({
    object: { const: 'workspace' },
    id,
    slug: text,
    name: text,
    timezone: { type: 'string', format: 'iana-timezone' },
    created_at: time,
    api_key: { ...object({ id, prefix: text, key: text }), description: 'Of its first admin; shown this once' },
  }),
  Workspace: object({ object: { const: 'workspace' }, id, slug: text, name: text, timezone: { type: 'string', format: 'iana-timezone' }, created_at: time }),
  Pod: object({ object: { const: 'pod' }, id, workspace_id: id, slug: text, name: text, created_at: time }),
  Usage: object({
    object: { const: 'usage' },
    workspace_id: id,
    day: { type: ['string', 'null'], format: 'date', description: 'UTC; null unless grouped by day' },
    workflow_id: { ...idOrNull, description: 'null unless grouped by workflow' },
    ...counts(['created', 'completed', 'failed', 'cancelled', 'rejected', 'steps', 'active_ms']),
    token_usage: object(counts(tokens)),
    cost: usd,
    cost_nano_usd: nanoUsd,
  }),
  Health: object({ status: oneOfWords(['up', 'down']), checks: mapOf(object({ status: oneOfWords(['up', 'down']), detail: text }, ['detail'])) }),
  Problem: {
    ...object(
      {
        type: { type: 'string', format: 'uri', description: '`urn:runlog:problem:` and the code' },
        title: text,
        status: { type: 'integer', minimum: 400, maximum: 599 },
        detail: { type: 'string', description: 'A sentence for people' },
        code: { type: 'string', description: 'Stable: branch on this' },
        request_id: { type: 'string', description: 'The same as X-Request-Id' },
        errors: arrayOf(ref('ProblemPointer')),
        state: { description: 'Of a 409 or 412: how things stand' },
      },
      ['state'],
    ),
    description: 'RFC 9457',
  },
  ProblemPointer: object({ pointer: { type: 'string', description: 'JSON Pointer into the body, or the name of a query parameter or header' }, detail: text, suggestion: text }, [
    'suggestion',
  ]),
} satisfies Readonly<Record<string, Schema>>;

const listed = ['Artifact', 'Event', 'LogLine', 'Node', 'Approval', 'Workflow', 'WorkflowVersion', 'Queue', 'Secret', 'ApiKey', 'Workspace', 'Pod', 'User', 'AuditEntry', 'Usage'];

/** Everything that answers and bodies are made of (the components of the OpenAPI document). */
export const schemas: Readonly<Record<string, Schema>> = {
  ...resources,
  ExecutionList: listOf({ anyOf: [ref('Execution'), ref('ExecutionPart')] }),
  ...Object.fromEntries(listed.map((name) => [`${name}List`, listOf(ref(name))])),
  ...frameSchemas,
  ...definitionSchemas,
  ...dialectSchemas,
};

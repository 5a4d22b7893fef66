import type { Json } from '../definition.js';
import { MAX_WAIT_SECONDS } from '../kinds/delay.js';

const MAX_NODES = 10_000;
const KEY = '^[a-z][a-z0-9_]{0,63}$';
const NODE_ID = '^[A-Za-z0-9_]{1,64}$';

const DAY_MS = 86_400_000;
const name: Json = { type: 'string', minLength: 1, maxLength: 256 };
const coordinate: Json = { type: 'number', minimum: -1e9, maximum: 1e9 };

/** One node but for its config, which its kind describes. */
const node: Json = {
  type: 'object',
  properties: {
    id: { type: 'string', pattern: NODE_ID },
    type: { type: 'string', minLength: 1, maxLength: 64 },
    name,
    config: { type: 'object' },
    retry: {
      type: 'object',
      properties: {
        max_attempts: { type: 'integer', minimum: 1, maximum: 100 },
        initial_ms: { type: 'integer', minimum: 0, maximum: DAY_MS },
        factor: { type: 'number', minimum: 1, maximum: 100 },
        max_ms: { type: 'integer', minimum: 0, maximum: DAY_MS },
        jitter: { type: 'boolean' },
        non_retryable: { type: 'array', maxItems: 100, items: { type: 'string', minLength: 1, maxLength: 64 } },
      },
      additionalProperties: false,
    },
    timeout_ms: { type: 'integer', minimum: 1, maximum: DAY_MS },
    effect: { enum: ['at_least_once', 'at_most_once', 'keyed'] },
    on_unknown: { enum: ['repeat', 'ask'] },
  },
  required: ['id', 'type'],
  additionalProperties: false,
};

const settings: Json = {
  type: 'object',
  properties: {
    run_timeout_seconds: { type: 'number', exclusiveMinimum: 0, maximum: MAX_WAIT_SECONDS },
    timeout_includes_suspended: { type: 'boolean' },
    queue_name: { type: 'string', pattern: '^[A-Za-z0-9_.:-]{1,128}$' },
    concurrency_key: { type: 'string', minLength: 1, maxLength: 1024 },
    priority: { type: 'integer', minimum: -1_000_000, maximum: 1_000_000 },
    queue_ttl_seconds: { type: 'number', exclusiveMinimum: 0, maximum: MAX_WAIT_SECONDS },
    cancel_grace_seconds: { type: 'number', minimum: 0, maximum: 3600 },
    budget_usd: { type: 'number', minimum: 0, maximum: 1_000_000 },
    on_budget: { enum: ['suspend', 'fail'] },
    output_schema: true,
  },
  additionalProperties: false,
};

/** The shape of a definition. What depends on more than one member is checked beside it. */
export const definitionSchema: Json = {
  type: 'object',
  properties: {
    key: { type: 'string', pattern: KEY },
    name,
    description: { type: 'string', maxLength: 4096 },
    input_schema: true,
    nodes: { type: 'array', maxItems: MAX_NODES, items: node },
    edges: {
      type: 'array',
      maxItems: 10 * MAX_NODES,
      items: {
        type: 'object',
        properties: { from: { type: 'string' }, to: { type: 'string' }, branch: { type: 'string', minLength: 1, maxLength: 256 } },
        required: ['from', 'to'],
        additionalProperties: false,
      },
    },
    positions: {
      type: 'object',
      additionalProperties: { type: 'object', properties: { x: coordinate, y: coordinate }, required: ['x', 'y'], additionalProperties: false },
    },
    output: { type: 'string', minLength: 1 },
    settings,
  },
  required: ['key', 'name'],
  additionalProperties: false,
};

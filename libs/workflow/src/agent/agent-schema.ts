import type { Json } from '../definition.js';
import { MAX_WAIT_SECONDS } from '../kinds/delay.js';

const KEY = '^[a-z][a-z0-9_]{0,63}$';
const DAY_S = 86_400;
const MAX_PROMPT = 262_144;

const name: Json = { type: 'string', minLength: 1, maxLength: 256 };
const secretName: Json = { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,64}$' };
const tokens: Json = { type: 'integer', minimum: 1, maximum: 1_000_000_000 };

const model: Json = {
  type: 'object',
  properties: {
    provider: { enum: ['openai_compatible', 'openai', 'anthropic'] },
    name,
    base_url: { type: 'string', minLength: 1, maxLength: 2048 },
    secret: secretName,
    parameters: {
      type: 'object',
      properties: {
        temperature: { type: 'number', minimum: 0, maximum: 2 },
        top_p: { type: 'number', minimum: 0, maximum: 1 },
        top_k: { type: 'integer', minimum: 1, maximum: 1_000_000 },
        max_tokens: tokens,
        stop: { type: 'array', maxItems: 16, items: { type: 'string', minLength: 1, maxLength: 1024 } },
        seed: { type: 'integer' },
        presence_penalty: { type: 'number', minimum: -2, maximum: 2 },
        frequency_penalty: { type: 'number', minimum: -2, maximum: 2 },
        reasoning_effort: { enum: ['none', 'minimal', 'low', 'medium', 'high'] },
        thinking_tokens: tokens,
        parallel_tool_calls: { type: 'boolean' },
        provider_options: { type: 'object' },
      },
      additionalProperties: false,
    },
  },
  required: ['provider', 'name'],
  additionalProperties: false,
};

const names: Json = { type: 'array', maxItems: 1000, items: { type: 'string', minLength: 1, maxLength: 256 } };

/** Who is asked before a tool runs. */
export const approvalSchema: Json = {
  type: ['boolean', 'object'],
  properties: {
    prompt: { type: 'string', minLength: 1, maxLength: 16_384 },
    approvers: {
      type: 'object',
      properties: { users: names, roles: names, needed: { type: 'integer', minimum: 1, maximum: 100 }, exclude_starter: { type: 'boolean' } },
      additionalProperties: false,
    },
    expires_in_seconds: { type: 'number', minimum: 1, maximum: MAX_WAIT_SECONDS },
    on_expiry: { enum: ['approve', 'reject', 'fail'] },
    reminders_seconds: { type: 'array', maxItems: 20, items: { type: 'number', minimum: 1, maximum: MAX_WAIT_SECONDS } },
  },
  additionalProperties: false,
};

const tool: Json = {
  type: 'object',
  properties: {
    name: { type: 'string', pattern: '^[a-zA-Z0-9_-]{1,64}$' },
    kind: { type: 'string' },
    description: { type: 'string', maxLength: 4096 },
    input_schema: true,
    config: { type: 'object' },
    approval: approvalSchema,
    timeout_ms: { type: 'integer', minimum: 1, maximum: DAY_S * 1000 },
    on_unknown: { enum: ['repeat', 'ask'] },
  },
  required: ['name', 'kind'],
  additionalProperties: false,
};

const guardrail: Json = {
  type: 'object',
  properties: {
    name,
    on: { enum: ['input', 'output'] },
    kind: { enum: ['regex', 'json_schema'] },
    action: { enum: ['block', 'redact'] },
    pattern: { type: 'string', minLength: 1, maxLength: 4096 },
    flags: { type: 'string', pattern: '^[ims]{0,3}$' },
    replacement: { type: 'string', maxLength: 256 },
    schema: true,
    message: { type: 'string', minLength: 1, maxLength: 1024 },
  },
  required: ['on', 'kind', 'action'],
  additionalProperties: false,
};

/** The shape of an agent's definition. What depends on more than one member is checked beside it. */
export const agentSchema: Json = {
  type: 'object',
  properties: {
    key: { type: 'string', pattern: KEY },
    name,
    description: { type: 'string', maxLength: 4096 },
    model,
    fallback: model,
    system_prompt: { type: 'string', maxLength: MAX_PROMPT },
    prompt_template: { type: 'string', minLength: 1, maxLength: MAX_PROMPT },
    tools: { type: 'array', maxItems: 128, items: tool },
    guardrails: { type: 'array', maxItems: 100, items: guardrail },
    input_schema: true,
    output_schema: true,
    limits: {
      type: 'object',
      properties: {
        steps: { type: 'integer', minimum: 1, maximum: 10_000 },
        tokens,
        seconds: { type: 'number', minimum: 1, maximum: DAY_S },
        budget_usd: { type: 'number', minimum: 0, maximum: 1_000_000 },
        on_budget: { enum: ['suspend', 'fail'] },
        session_tokens: { type: 'integer', minimum: 0, maximum: 10_000_000 },
      },
      additionalProperties: false,
    },
  },
  required: ['key', 'name', 'model'],
  additionalProperties: false,
};

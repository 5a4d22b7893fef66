import type { Json } from '../definition.js';
import type { Problem } from '../problem.js';
import { MAX_WAIT_SECONDS } from './delay.js';
import { type Config, type Kind, ONE_TEMPLATE } from './kind.js';

const seconds: Json = { type: 'number', minimum: 1, maximum: MAX_WAIT_SECONDS };
const names: Json = { type: 'array', maxItems: 1000, items: { type: 'string', minLength: 1, maxLength: 256 } };

/** One of the words, or {answer}. */
export const expiry = (words: readonly string[]): Json => ({
  type: ['string', 'object'],
  pattern: `^(${words.join('|')})$`,
  properties: { answer: true },
  required: ['answer'],
  additionalProperties: false,
});

/** Members of `config` that approvals and questions share. */
export const gateMembers: { readonly [member: string]: Json } = {
  prompt: { type: 'string', minLength: 1, maxLength: 16_384 },
  schema: true,
  approvers: {
    type: 'object',
    properties: { users: names, roles: names, needed: { type: 'integer', minimum: 1, maximum: 100 }, exclude_starter: { type: 'boolean' } },
    additionalProperties: false,
  },
  expires_in_seconds: { type: ['number', 'string'], minimum: 1, maximum: MAX_WAIT_SECONDS, pattern: ONE_TEMPLATE },
  on_expiry: expiry(['approve', 'reject', 'fail']),
  reminders_seconds: { type: 'array', maxItems: 20, items: seconds },
};

/** More approvals than there are users who may give one would keep the gate open for ever. Roles and templates may stand for any number. */
export const enoughApprovers = ({ approvers }: Config): readonly Problem[] => {
  const { users = [], roles = [], needed = 1 } = (approvers ?? {}) as { users?: string[]; roles?: string[]; needed?: number };
  const known = new Set(users).size;
  if (known === 0 || roles.length > 0 || needed <= known || users.some((user) => user.includes('{{'))) return [];
  return [{ pointer: '/approvers/needed', detail: `Expected at most ${known}, because only so many users may answer, but got ${needed}` }];
};

export const gateTemplates: readonly string[] = ['prompt', 'approvers', 'expires_in_seconds'];

/** Asks people to approve or reject; gives {decision, by, comment, answer}. `on_reject: branch` makes it choose `approved` or `rejected`. */
export const approval: Kind = {
  type: 'approval',
  runs: 'gate',
  configSchema: {
    type: 'object',
    properties: { ...gateMembers, on_reject: { enum: ['reject', 'fail', 'branch'] } },
    required: ['prompt'],
    additionalProperties: false,
  },
  expressions: [],
  templates: gateTemplates,
  schemas: ['schema'],
  check: enoughApprovers,
  branches: (config) => (config.on_reject === 'branch' ? ['approved', 'rejected'] : null),
};

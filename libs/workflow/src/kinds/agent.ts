import { type Kind, noBranches } from './kind.js';

/** Runs an agent, whose version is pinned when the workflow's version is published. Its output is the agent's. */
export const agent: Kind = {
  type: 'agent',
  runs: 'runner',
  configSchema: {
    type: 'object',
    properties: { agent: { type: 'string', minLength: 1, maxLength: 64 }, input: { type: ['string', 'object'] } },
    required: ['agent'],
    additionalProperties: false,
  },
  expressions: [],
  templates: ['input'],
  eithers: ['input'],
  schemas: [],
  branches: noBranches,
};

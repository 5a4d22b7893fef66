import { type Kind, noBranches } from './kind.js';

/** Runs JavaScript: the body of a function of `input`, `nodes` and `execution` that returns JSON. */
export const code: Kind = {
  type: 'code',
  runs: 'runner',
  configSchema: {
    type: 'object',
    properties: { source: { type: 'string', minLength: 1, maxLength: 262_144 } },
    required: ['source'],
    additionalProperties: false,
  },
  expressions: [],
  templates: [],
  schemas: [],
  sources: ['source'],
  branches: noBranches,
};

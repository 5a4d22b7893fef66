import { type Kind, noBranches } from './kind.js';

/** Gives the value of its expression. */
export const transform: Kind = {
  type: 'transform',
  runs: 'inline',
  configSchema: {
    type: 'object',
    properties: { expression: { type: 'string', minLength: 1 } },
    required: ['expression'],
    additionalProperties: false,
  },
  expressions: ['expression'],
  templates: [],
  schemas: [],
  branches: noBranches,
};

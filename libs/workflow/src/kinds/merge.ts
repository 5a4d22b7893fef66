import { type Kind, noBranches } from './kind.js';

/** Joins branches. `all` (default) runs when every edge into it is decided, `any` at the first open one. */
export const merge: Kind = {
  type: 'merge',
  runs: 'inline',
  configSchema: { type: 'object', properties: { mode: { enum: ['all', 'any'] } }, additionalProperties: false },
  expressions: [],
  templates: [],
  schemas: [],
  branches: noBranches,
};

import { enoughApprovers, expiry, gateMembers, gateTemplates } from './approval.js';
import { type Kind, noBranches } from './kind.js';

/** Asks people for an answer; gives {answer, by}. */
export const question: Kind = {
  type: 'question',
  runs: 'gate',
  configSchema: {
    type: 'object',
    properties: { ...gateMembers, on_expiry: expiry(['fail']) },
    required: ['prompt'],
    additionalProperties: false,
  },
  expressions: [],
  templates: gateTemplates,
  schemas: ['schema'],
  check: enoughApprovers,
  branches: noBranches,
};

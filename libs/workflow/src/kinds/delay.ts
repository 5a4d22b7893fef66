import { type Kind, noBranches, templateString } from './kind.js';

/** A year: the longest that anything may wait. */
export const MAX_WAIT_SECONDS = 31_536_000;

/** Waits for a number of seconds or until an instant (RFC 3339). Its output is {until}. */
export const delay: Kind = {
  type: 'delay',
  runs: 'timer',
  configSchema: {
    type: 'object',
    properties: {
      seconds: { anyOf: [{ type: 'number', minimum: 0, maximum: MAX_WAIT_SECONDS }, templateString] },
      until: { anyOf: [{ type: 'string', format: 'date-time' }, templateString] },
    },
    additionalProperties: false,
  },
  expressions: [],
  templates: ['seconds', 'until'],
  schemas: [],
  branches: noBranches,
  check: (config) =>
    (config.seconds === undefined) === (config.until === undefined)
      ? [{ pointer: '', detail: "Expected either 'seconds' or 'until'" }]
      : [],
};

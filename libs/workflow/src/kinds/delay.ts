import { type Kind, noBranches, ONE_TEMPLATE } from './kind.js';

/** A year: the longest that anything may wait. */
export const MAX_WAIT_SECONDS = 31_536_000;

/** RFC 3339, with its offset: an instant without one would be another in every place. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i;

/** Waits for a number of seconds or until an instant (RFC 3339). Its output is {until}. */
export const delay: Kind = {
  type: 'delay',
  runs: 'timer',
  configSchema: {
    type: 'object',
    properties: {
      seconds: { type: ['number', 'string'], minimum: 0, maximum: MAX_WAIT_SECONDS, pattern: ONE_TEMPLATE },
      until: { type: 'string', minLength: 1, maxLength: 4096 },
    },
    additionalProperties: false,
  },
  expressions: [],
  templates: ['seconds', 'until'],
  schemas: [],
  branches: noBranches,
  check: ({ seconds, until }) => {
    if ((seconds === undefined) === (until === undefined)) return [{ pointer: '', detail: "Expected either 'seconds' or 'until'" }];
    if (typeof until !== 'string' || until.includes('{{') || INSTANT.test(until)) return [];
    return [{ pointer: '/until', detail: `Expected an instant such as '2030-01-31T12:00:00Z', or one {{ expression }}, but got '${until.slice(0, 80)}'` }];
  },
};

import { urlTemplateProblem } from '../url-problem.js';
import { type Kind, noBranches } from './kind.js';

const scalar = { type: ['string', 'number', 'boolean'] };

/** Sends one HTTP request and gives {status, headers, body}. */
export const http: Kind = {
  type: 'http',
  runs: 'runner',
  configSchema: {
    type: 'object',
    properties: {
      method: { enum: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] },
      url: { type: 'string', minLength: 1, maxLength: 8192 },
      headers: { type: 'object', maxProperties: 100, propertyNames: { pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" }, additionalProperties: scalar },
      query: {
        type: 'object',
        maxProperties: 100,
        additionalProperties: { type: ['string', 'number', 'boolean', 'array', 'null'], items: scalar },
      },
      body: true,
      response: { enum: ['json', 'text', 'auto'] },
      auth: {
        type: 'object',
        properties: {
          type: { enum: ['bearer', 'basic', 'header'] },
          secret: { type: 'string', minLength: 1, maxLength: 128 },
          header: { type: 'string', pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" },
        },
        required: ['type', 'secret'],
        additionalProperties: false,
      },
      expect_status: {
        type: ['integer', 'array'],
        minimum: 100,
        maximum: 599,
        maxItems: 100,
        items: { type: ['integer', 'string'], minimum: 100, maximum: 599, pattern: '^[1-5]xx$' },
      },
    },
    required: ['url'],
    additionalProperties: false,
  },
  expressions: [],
  templates: ['url', 'headers', 'query', 'body'],
  schemas: [],
  branches: noBranches,
  check: (config) => {
    const detail = urlTemplateProblem(String(config.url), 'auth');
    const problems = detail === undefined ? [] : [{ pointer: '/url', detail }];
    const auth = config.auth as { type?: string; header?: string } | undefined;
    if (auth?.type === 'header' && auth.header === undefined)
      problems.push({ pointer: '/auth/header', detail: "Expected the name of the header, because the type of auth is 'header'" });
    return problems;
  },
};

import type { Config, Kind } from './kind.js';

const casesOf = (config: Config): string[] => (Array.isArray(config.cases) ? config.cases.map(String) : []);

/** Chooses the case that equals the expression's value written as a string, else `default`. Its output is the value. */
export const switchKind: Kind = {
  type: 'switch',
  runs: 'inline',
  configSchema: {
    type: 'object',
    properties: {
      expression: { type: 'string', minLength: 1 },
      cases: { type: 'array', minItems: 1, maxItems: 1000, items: { type: ['string', 'number', 'boolean'], maxLength: 256 } },
    },
    required: ['expression', 'cases'],
    additionalProperties: false,
  },
  expressions: ['expression'],
  templates: [],
  schemas: [],
  branches: (config) => [...new Set([...casesOf(config), 'default'])],
  check: (config) => {
    const cases = casesOf(config);
    return cases.flatMap((name, index) => {
      const pointer = `/cases/${index}`;
      if (name === 'default') return [{ pointer, detail: "Expected a case other than 'default', which stands for every other value" }];
      if (cases.indexOf(name) < index) return [{ pointer, detail: `Expected each case once, but '${name}' is there already` }];
      return [];
    });
  },
};

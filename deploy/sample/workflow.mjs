// The README's first workflow: fetch a public data set, filter it, aggregate it in code, branch, ask a person, post the result.

export const workflow = {
  key: 'countries',
  name: 'Countries of a region',
  input_schema: {
    type: 'object',
    required: ['source', 'sink', 'region'],
    properties: {
      source: { type: 'string', format: 'uri' },
      sink: { type: 'string', format: 'uri' },
      region: { type: 'string', minLength: 1 },
    },
  },
  nodes: [
    {
      id: 'fetch',
      type: 'http',
      name: 'Fetch the data set',
      config: { method: 'GET', url: '{{ input.source }}', response: 'json' },
      retry: { max_attempts: 3, initial_ms: 200 },
      timeout_ms: 10000,
    },
    {
      id: 'select',
      type: 'transform',
      name: 'Keep one region',
      config: {
        expression: 'nodes.fetch.body[region = $$.input.region].{ "name": name.common, "area": area, "landlocked": landlocked, "neighbours": $count(borders) }[]',
      },
    },
    {
      id: 'aggregate',
      type: 'code',
      name: 'Aggregate',
      config: {
        source: [
          'const countries = nodes.select;',
          'const area = countries.reduce((sum, one) => sum + one.area, 0);',
          'const largest = countries.reduce((best, one) => (one.area > best.area ? one : best));',
          'console.log(countries.length + " countries, " + area + " km2");',
          'return {',
          '  region: input.region, countries: countries.length, area_km2: area, largest: largest.name,',
          '  landlocked: countries.filter((one) => one.landlocked).map((one) => one.name).sort(),',
          '  neighbours: countries.reduce((sum, one) => sum + one.neighbours, 0),',
          '};',
        ].join('\n'),
      },
    },
    {
      id: 'large',
      type: 'condition',
      name: 'More than ten?',
      config: { expression: 'nodes.aggregate.countries > 10' },
    },
    {
      id: 'ask',
      type: 'approval',
      name: 'Approve the report',
      config: {
        prompt: 'Post the report on {{ nodes.aggregate.countries }} countries of {{ input.region }}?',
      },
    },
    {
      id: 'post',
      type: 'http',
      name: 'Post the report',
      config: {
        method: 'POST',
        url: '{{ input.sink }}',
        body: '{{ nodes.aggregate }}',
        expect_status: [201],
      },
    },
  ],
  edges: [
    { from: 'start_of_workflow', to: 'fetch' },
    { from: 'fetch', to: 'select' },
    { from: 'select', to: 'aggregate' },
    { from: 'aggregate', to: 'large' },
    { from: 'large', to: 'ask', branch: 'true' },
    { from: 'large', to: 'post', branch: 'false' },
    { from: 'ask', to: 'post' },
  ],
  output: '{ "report": nodes.aggregate, "receipt": nodes.post.body.receipt }',
};

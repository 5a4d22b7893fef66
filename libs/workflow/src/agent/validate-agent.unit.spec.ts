import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { validateAgent } from './validate-agent.js';

const support = {
  key: 'order_support',
  name: 'Order support',
  model: { provider: 'openai_compatible', name: 'gpt-5-mini', base_url: 'http://127.0.0.1:8080/v1', secret: 'MODEL_KEY', parameters: { temperature: 0.2, max_tokens: 800 } },
  fallback: { provider: 'anthropic', name: 'claude-haiku-4-5', secret: 'ANTHROPIC_KEY' },
  system_prompt: 'You answer customers of {{ execution.metadata.shop }}.',
  prompt_template: 'Customer {{ input.customer_id }} asks: {{ input.message }}',
  tools: [
    {
      name: 'order_status',
      kind: 'http',
      description: 'Where an order is',
      input_schema: { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } },
      config: { method: 'GET', url: 'http://127.0.0.1:8081/orders/{{ input.order_id }}' },
      timeout_ms: 10_000,
    },
    {
      name: 'refund',
      kind: 'code',
      input_schema: { type: 'object' },
      config: { source: 'return { refunded: input.cents };' },
      approval: { prompt: 'Refund?', approvers: { roles: ['admin'] } },
      on_unknown: 'ask',
    },
    { name: 'files', kind: 'mcp', config: { server: 'files' } },
    { name: 'search', kind: 'mcp', config: { url: 'http://127.0.0.1:8082/mcp', auth: { type: 'bearer', secret: 'SEARCH' }, tools: ['find'] }, approval: true },
    { name: 'ask', kind: 'ask_human', config: { prompt: 'The agent asks: {{ input.question }}', expires_in_seconds: 3600 } },
  ],
  guardrails: [
    { on: 'input', kind: 'regex', pattern: '\\b\\d{16}\\b', action: 'redact' },
    { on: 'output', kind: 'json_schema', schema: { type: 'object' }, action: 'block', message: 'No answer' },
  ],
  input_schema: { type: 'object', required: ['message'], properties: { message: { type: 'string' } } },
  limits: { steps: 10, tokens: 50_000, seconds: 120, budget_usd: 0.5, on_budget: 'fail', session_tokens: 4000 },
};
const least = { key: 'k', name: 'n', model: { provider: 'openai', name: 'gpt-5-mini' } };
const tool = { name: 't', kind: 'code', config: { source: 'return 1' } };

const problemsIn = (body: unknown) => {
  const result = validateAgent(body);
  return 'problems' in result ? result.problems : [];
};
const pointersIn = (body: unknown) => [...new Set(problemsIn(body).map(({ pointer }) => pointer))];

describe('validateAgent', () => {
  it('takes an agent with everything as it is', () => expect(validateAgent(support)).toEqual({ definition: support }));

  it('fills in what may be left out', () => {
    expect(validateAgent(least)).toEqual({ definition: { ...least, tools: [], guardrails: [], limits: {} } });
  });

  it('finds everything at once, with what was probably meant', () => {
    const body = {
      ...support,
      key: 'Order Support',
      modle: {},
      model: { provider: 'openai_compatible', name: 'm', parameters: { temprature: 1 } },
      prompt_template: '{{ inputs.message }} {{ nodes.fetch }}',
      tools: [{ name: 'order status', kind: 'htpp', config: {} }, tool, { ...tool, approval: { approvers: { users: ['ann'], needed: 2 } } }],
      guardrails: [{ on: 'input', kind: 'regex', action: 'block', pattern: 'a(?=b)' }],
      limits: { steps: 0, buget_usd: 1 },
    };
    expect(problemsIn(body)).toEqual([
      { pointer: '/modle', detail: expect.any(String), suggestion: 'model' },
      { pointer: '/key', detail: expect.any(String), suggestion: 'order_support' },
      { pointer: '/model/parameters/temprature', detail: expect.any(String), suggestion: 'temperature' },
      { pointer: '/tools/0/name', detail: expect.any(String), suggestion: 'order_status' },
      { pointer: '/limits/buget_usd', detail: expect.any(String), suggestion: 'budget_usd' },
      { pointer: '/limits/steps', detail: 'Expected a number >= 1, but got 0' },
      { pointer: '/model/base_url', detail: expect.stringContaining("because the provider is 'openai_compatible'") },
      { pointer: '/prompt_template', detail: expect.stringContaining("but got 'inputs'"), suggestion: 'input' },
      { pointer: '/tools/0/kind', detail: expect.stringContaining("but got 'htpp'"), suggestion: 'http' },
      { pointer: '/tools/2/name', detail: expect.stringContaining("'t' already") },
      { pointer: '/tools/2/approval/approvers/needed', detail: expect.any(String) },
      { pointer: '/guardrails/0/pattern', detail: expect.stringMatching(/^Expected a regular expression/) },
      { pointer: '/prompt_template', detail: expect.stringContaining("it reads 'fetch'") },
    ]);
  });

  it.each<[string, unknown, string[]]>([
    ['no object', [], ['']],
    ['nothing', {}, ['/key', '/name', '/model']],
    ['a provider that there is not', { ...least, model: { provider: 'opnai', name: 'x' } }, ['/model/provider']],
    ['a URL of another scheme', { ...least, model: { provider: 'openai', name: 'x', base_url: 'file:///etc' } }, ['/model/base_url']],
    ['a password in a URL', { ...least, model: { provider: 'openai', name: 'x', base_url: 'https://me:hunter2@api.test/v1' } }, ['/model/base_url']],
    ['a password in a URL of a tool', { ...least, tools: [{ name: 't', kind: 'http', config: { url: 'https://me:hunter2@api.test/{{ input.id }}' } }] }, ['/tools/0/config/url']],
    ['a password in a URL of an MCP server', { ...least, tools: [{ name: 't', kind: 'mcp', config: { url: 'https://me:hunter2@api.test/' } }] }, ['/tools/0/config/url']],
    ['a fallback without a name', { ...least, fallback: { provider: 'openai' } }, ['/fallback/name']],
    ['a tool without a name or kind', { ...least, tools: [{}] }, ['/tools/0/name', '/tools/0/kind']],
    ['code without source', { ...least, tools: [{ name: 't', kind: 'code' }] }, ['/tools/0/config/source']],
    ['http with a bad template', { ...least, tools: [{ name: 't', kind: 'http', config: { url: 'http://x/{{ input.' } }] }, ['/tools/0/config/url']],
    ['a schema of arguments that are no object', { ...least, tools: [{ ...tool, input_schema: { type: 'string' } }] }, ['/tools/0/input_schema/type']],
    ['a schema of arguments that is none', { ...least, tools: [{ ...tool, input_schema: { type: 'objct' } }] }, ['/tools/0/input_schema/type']],
    ['an MCP server that is neither named nor called', { ...least, tools: [{ name: 't', kind: 'mcp' }] }, ['/tools/0/config']],
    [
      'an MCP server that a definition starts',
      { ...least, tools: [{ name: 't', kind: 'mcp', config: { command: 'sh', args: ['-c', 'id'] } }] },
      ['/tools/0/config/command', '/tools/0/config/args'],
    ],
    ['an MCP server by name with headers', { ...least, tools: [{ name: 't', kind: 'mcp', config: { server: 'x', headers: {} } }] }, ['/tools/0/config/headers']],
    ['an MCP server with a schema', { ...least, tools: [{ name: 't', kind: 'mcp', config: { url: 'http://x' }, input_schema: {} }] }, ['/tools/0/input_schema']],
    ['a question with a bad schema', { ...least, tools: [{ name: 't', kind: 'ask_human', config: { schema: { type: 'x' } } }] }, ['/tools/0/config/schema/type']],
    [
      'approvers that are none',
      { ...least, tools: [{ ...tool, approval: { approvers: { users: {}, needed: 'two' } } }] },
      ['/tools/0/approval/approvers/users', '/tools/0/approval/approvers/needed'],
    ],
    ['a pattern that is missing', { ...least, guardrails: [{ on: 'input', kind: 'regex', action: 'block' }] }, ['/guardrails/0/pattern']],
    ['a schema that redacts', { ...least, guardrails: [{ on: 'output', kind: 'json_schema', action: 'redact', schema: true }] }, ['/guardrails/0/action']],
    ['a schema that is missing', { ...least, guardrails: [{ on: 'output', kind: 'json_schema', action: 'block' }] }, ['/guardrails/0/schema']],
    ['an input schema that leads elsewhere', { ...least, input_schema: { $ref: 'http://x' } }, ['/input_schema/$ref']],
    ['prototype names', JSON.parse('{"key": "k", "tools": [{"config": {"__proto__": 1}}]}'), ['/tools/0/config/__proto__']],
  ])('refuses %s', (_, body, pointers) => expect(pointersIn(body)).toEqual(pointers));

  it('never throws', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const text = fc.oneof(fc.string(), fc.constantFrom('http', 'code', 'mcp', 'ask_human', 'regex', 'json_schema', '{{ nodes.b', '{{ input }}', '$eval(1)', 'http://x'));
    const part = fc.oneof(
      value,
      fc.dictionary(
        fc.constantFrom(
          'name',
          'kind',
          'config',
          'approval',
          'input_schema',
          'url',
          'command',
          'pattern',
          'schema',
          'on',
          'approvers',
          'users',
          'needed',
          'source',
          'provider',
          'approvers',
          'users',
          'needed',
          'base_url',
        ),
        fc.oneof(text, value),
      ),
    );
    const body = fc.record(
      {
        key: value,
        name: value,
        model: part,
        fallback: part,
        tools: fc.oneof(value, fc.array(part)),
        guardrails: fc.oneof(value, fc.array(part)),
        prompt_template: text,
        limits: value,
      },
      { requiredKeys: [] },
    );
    const never = (given: unknown) => {
      const result = validateAgent(given);
      expect('definition' in result || result.problems.length > 0).toBe(true);
    };
    fc.assert(fc.property(body, never), { numRuns: 500 });
    fc.assert(fc.property(fc.anything(), never), { numRuns: 200 });
  });
});

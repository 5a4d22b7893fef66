import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { EdgeDefinition, Json } from './definition.js';
import { validateDefinition } from './validate-definition.js';

const triage = {
  key: 'order_triage',
  name: 'Order triage',
  input_schema: { type: 'object', required: ['order_id'], properties: { order_id: { type: 'string' } } },
  nodes: [
    {
      id: 'fetch',
      type: 'http',
      name: 'Fetch order',
      config: { method: 'GET', url: 'http://127.0.0.1:8080/orders/{{ input.order_id }}' },
      retry: { max_attempts: 3, initial_ms: 200, factor: 2, max_ms: 5000, jitter: true },
      timeout_ms: 10_000,
    },
    { id: 'large', type: 'condition', name: 'Large?', config: { expression: 'nodes.fetch.body.total > 1000' } },
    { id: 'ask', type: 'approval', name: 'Approve', config: { prompt: 'Pay {{ nodes.fetch.body.total }}?' } },
    { id: 'score', type: 'code', name: 'Score', config: { source: 'return { score: nodes.fetch.body.total / 10 };' } },
    { id: 'result', type: 'transform', name: 'Result', config: { expression: "{ 'paid': true, 'score': nodes.score.score }" } },
  ],
  edges: [
    { from: 'start_of_workflow', to: 'fetch' },
    { from: 'fetch', to: 'large' },
    { from: 'large', to: 'ask', branch: 'true' },
    { from: 'large', to: 'score', branch: 'false' },
    { from: 'ask', to: 'score' },
    { from: 'score', to: 'result' },
  ],
  output: 'nodes.result',
  settings: { run_timeout_seconds: 3600 },
};

const problemsIn = (body: unknown) => {
  const result = validateDefinition(body);
  return 'problems' in result ? result.problems : [];
};
const pointersIn = (body: unknown) => problemsIn(body).map(({ pointer }) => pointer);
/** A definition of one node after the start. */
const withNode = (type: string, config: Json, more: object = {}, edges: EdgeDefinition[] = []) => ({
  key: 'k',
  name: 'n',
  nodes: [
    { id: 'it', type, name: 'It', config, ...more },
    { id: 'next', type: 'merge', name: 'Next', config: {} },
  ],
  edges: [{ from: 'start_of_workflow', to: 'it' }, { from: 'start_of_workflow', to: 'next' }, ...edges],
});

describe('validateDefinition', () => {
  it('takes the documented example as it is', () => expect(validateDefinition(triage)).toEqual({ definition: triage }));

  it('takes an empty workflow and fills in what may be left out', () => {
    expect(validateDefinition({ key: 'k', name: 'n' })).toEqual({ definition: { key: 'k', name: 'n', nodes: [], edges: [] } });
    expect(validateDefinition({ key: 'k', name: 'n', nodes: [{ id: 'm', type: 'merge' }], edges: [{ from: 'start_of_workflow', to: 'm' }] })).toMatchObject({
      definition: { nodes: [{ name: 'm', config: {} }] },
    });
  });

  it('finds everything at once', () => {
    const body = {
      ...triage,
      key: 'Order Triage',
      colour: 'red',
      nodes: [...triage.nodes, { id: 'lost', type: 'transfrom', config: {} }, { id: 'bad', type: 'transform', config: { expression: 'nodes.fetsh.(' } }],
      edges: [...triage.edges, { from: 'result', to: 'large' }, { from: 'result', to: 'bed' }],
      output: 'nodes.reslt',
    };
    expect(problemsIn(body)).toEqual([
      { pointer: '/colour', detail: expect.stringContaining("but got 'colour'") },
      { pointer: '/key', detail: expect.stringContaining("but got 'Order Triage'"), suggestion: 'order_triage' },
      { pointer: '/edges/7/to', detail: "Expected the id of a node, but there is no node 'bed'", suggestion: 'bad' },
      { pointer: '/edges/6', detail: expect.stringMatching(/without cycles, but large -> (ask -> )?score -> result -> large is one/) },
      { pointer: '/nodes/5', detail: expect.stringContaining("none leads to 'lost'"), suggestion: expect.stringContaining('"to": "lost"') },
      { pointer: '/nodes/6', detail: expect.stringContaining("none leads to 'bad'"), suggestion: expect.any(String) },
      { pointer: '/nodes/5/type', detail: expect.stringContaining("but got 'transfrom'"), suggestion: 'transform' },
      { pointer: '/nodes/6/config/expression', detail: expect.stringMatching(/^Expected a JSONata expression, but .*at character \d+/) },
      { pointer: '/output', detail: expect.stringContaining("there is no node 'reslt'"), suggestion: 'nodes.result' },
    ]);
  });

  it.each<[string, unknown, string[]]>([
    ['no object', [], ['']],
    ['no key and no name', {}, ['/key', '/name']],
    ['a node without a type', { key: 'k', name: 'n', nodes: [{ id: 'a' }], edges: [{ from: 'start_of_workflow', to: 'a' }] }, ['/nodes/0/type']],
    ['a member that no node has', withNode('merge', {}, { retries: 3 }), ['/nodes/0/retries']],
    [
      'a retry policy out of range',
      withNode('merge', {}, { retry: { max_attempts: 0, factor: 0.5 }, timeout_ms: 0 }),
      ['/nodes/0/retry/max_attempts', '/nodes/0/retry/factor', '/nodes/0/timeout_ms'],
    ],
    [
      'the same edge twice',
      withNode('merge', {}, {}, [
        { from: 'it', to: 'next' },
        { from: 'it', to: 'next' },
      ]),
      ['/edges/3'],
    ],
    ['an edge to itself', withNode('merge', {}, {}, [{ from: 'it', to: 'it' }]), ['/edges/2']],
    ['an edge to the start', withNode('merge', {}, {}, [{ from: 'it', to: 'start_of_workflow' }]), ['/edges/2/to']],
    ['a branch from what has none', withNode('merge', {}, {}, [{ from: 'it', to: 'next', branch: 'x' }]), ['/edges/2/branch']],
    ['no branch from a condition', withNode('condition', { expression: 'true' }, {}, [{ from: 'it', to: 'next' }]), ['/edges/2/branch']],
    ['another branch of a switch', withNode('switch', { expression: '1', cases: ['a'] }, {}, [{ from: 'it', to: 'next', branch: 'b' }]), ['/edges/2/branch']],
    ['a branch of an approval without on_reject', withNode('approval', { prompt: 'x' }, {}, [{ from: 'it', to: 'next', branch: 'approved' }]), ['/edges/2/branch']],
    ['a position of no node', { ...triage, positions: { fetsh: { x: 1, y: 1 }, start_of_workflow: { x: 1, y: 1 } } }, ['/positions/fetsh']],
    [
      'a condition that reads what comes later',
      withNode('condition', { expression: 'nodes.next' }, {}, [{ from: 'it', to: 'next', branch: 'true' }]),
      ['/nodes/0/config/expression'],
    ],
    ['a node that reads itself', withNode('transform', { expression: 'nodes.it.x' }), ['/nodes/0/config/expression']],
    ['a name that the scope has not', withNode('transform', { expression: 'inputs.x + $summ(1)' }), ['/nodes/0/config/expression', '/nodes/0/config/expression']],
    ['$eval', withNode('transform', { expression: '$eval("1")' }), ['/nodes/0/config/expression']],
    ['a regular expression that RE2 does not take', withNode('transform', { expression: '$match(input, /a(?=b)/)' }), ['/nodes/0/config/expression']],
    ['a template that nothing closes', withNode('http', { url: 'http://x/{{ input.id' }), ['/nodes/0/config/url']],
    ['a bad template deep in a body', withNode('http', { url: 'http://x', body: { a: ['{{ 1 + }}'] } }), ['/nodes/0/config/body/a/0']],
    ['http that is not', withNode('http', { url: 'ftp://x', method: 'get', auth: { type: 'header', secret: 's' } }), ['/nodes/0/config/method']],
    ['http without a header for its secret', withNode('http', { url: 'ftp://x', auth: { type: 'header', secret: 's' } }), ['/nodes/0/config/url', '/nodes/0/config/auth/header']],
    ['a user and password in a URL', withNode('http', { url: 'https://me:hunter2@api.test/x' }), ['/nodes/0/config/url']],
    ['a switch with default as a case', withNode('switch', { expression: '1', cases: ['a', 'default', 'a'] }), ['/nodes/0/config/cases/1', '/nodes/0/config/cases/2']],
    ['a delay with neither or both', withNode('delay', {}), ['/nodes/0/config']],
    ['a delay that is no number', withNode('delay', { seconds: '5' }), ['/nodes/0/config/seconds']],
    ['a delay until no instant', withNode('delay', { until: '2030-01-01' }), ['/nodes/0/config/until']],
    ['code without source', withNode('code', {}), ['/nodes/0/config/source']],
    ['a gate with a bad schema', withNode('question', { prompt: 'x', schema: { type: 'strin' } }), ['/nodes/0/config/schema/type']],
    ['an expiry answer that breaks the schema', withNode('question', { prompt: 'x', schema: { type: 'string' }, on_expiry: { answer: 1 } }), ['/nodes/0/config/on_expiry/answer']],
    ['more approvals than users who may give one', withNode('approval', { prompt: 'x', approvers: { users: ['ann', 'ann'], needed: 2 } }), ['/nodes/0/config/approvers/needed']],
    ['an expiry that a question can not have', withNode('question', { prompt: 'x', on_expiry: 'approve' }), ['/nodes/0/config/on_expiry']],
    ['an agent without one', withNode('agent', {}), ['/nodes/0/config/agent']],
    ['an agent whose input reads no node', withNode('agent', { agent: 'a', input: 'nodes.lost' }), ['/nodes/0/config/input']],
    ['an agent with a bad template', withNode('agent', { agent: 'a', input: { message: '{{ nodes.lost.x }}' } }), ['/nodes/0/config/input/message']],
    ['an agent with an effect', withNode('agent', { agent: 'a' }, { effect: 'keyed', on_unknown: 'ask' }), ['/nodes/0/effect', '/nodes/0/on_unknown']],
    ['a bad input schema', { key: 'k', name: 'n', input_schema: { type: 'objct' } }, ['/input_schema/type']],
    ['a bad output schema', { key: 'k', name: 'n', settings: { output_schema: { $ref: 'http://x' } } }, ['/settings/output_schema/$ref']],
    ['a concurrency key over nodes', { ...triage, settings: { concurrency_key: '{{ nodes.fetch.id }}' } }, ['/settings/concurrency_key']],
    ['prototype names', JSON.parse('{"key": "k", "name": "n", "__proto__": 1, "nodes": [{"config": {"constructor": 1}}]}'), ['/__proto__', '/nodes/0/config/constructor']],
    ['NUL characters', { key: 'k', name: 'a\0b', 'x\0': 1 }, ['/name', '/x\0']],
    ['too many nodes', { key: 'k', name: 'n', nodes: Array.from({ length: 10_001 }, () => 1) }, ['/nodes', '/nodes/0', '/nodes/1', '/nodes/2', '/nodes/3']],
  ])('refuses %s', (_, body, pointers) => expect([...new Set(pointersIn(body))].slice(0, 5)).toEqual([...new Set(pointers)]));

  it('refuses more levels than a definition may have, also without an end', () => {
    const loop: { next?: unknown } = {};
    loop.next = loop;
    expect(pointersIn({ key: 'k', name: 'n', loop })).toHaveLength(1);
    expect(pointersIn(JSON.parse('['.repeat(5000) + ']'.repeat(5000)))).toHaveLength(1);
  });

  it('takes branches of an approval that says so, and two branches to the same node', () => {
    const edges = ['approved', 'rejected'].map((branch) => ({ from: 'it', to: 'next', branch }));
    expect(problemsIn(withNode('approval', { prompt: 'x', on_reject: 'branch' }, {}, edges))).toEqual([]);
  });

  it('gives an agent the input of the execution where it is given none', () => {
    expect(validateDefinition(withNode('agent', { agent: 'support' }))).toMatchObject({ definition: { nodes: [{ config: { agent: 'support', input: '{{ input }}' } }, {}] } });
    expect(problemsIn(withNode('agent', { agent: 'support', input: "{ 'message': input.text }" }))).toEqual([]);
  });

  it('lets the output read any node and templates stay out of source and schemas', () => {
    expect(problemsIn({ ...withNode('code', { source: 'const a = {{' }), output: '{"a": nodes.it, "b": nodes.next}' })).toEqual([]);
    expect(problemsIn(withNode('question', { prompt: 'x', schema: { title: '{{' } }))).toEqual([]);
  });

  it('is fast at 10,000 nodes that all read the first', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `n${index}`);
    const nodes = ids.map((id, index) => ({ id, type: 'transform', name: id, config: { expression: index === 0 ? 'input' : 'nodes.n0.value' } }));
    const edges = ids.map((to, index) => ({ from: ids[index - 1] ?? 'start_of_workflow', to }));
    const started = performance.now();
    expect(problemsIn({ key: 'k', name: 'n', nodes, edges })).toEqual([]);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('never throws', () => {
    const never = (body: unknown) => {
      const result = validateDefinition(body);
      expect('definition' in result || result.problems.length > 0).toBe(true);
    };
    fc.assert(fc.property(fc.jsonValue(), never), { numRuns: 300 });
    fc.assert(fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withObjectString: true, withTypedArray: true }), never), {
      numRuns: 200,
    });
    const text = fc.oneof(fc.string(), fc.constantFrom('a', 'b', 'start_of_workflow', 'nodes.a', '{{ nodes.b', '{{ nodes.b }}', '$eval(1)', 'branch', 'true'));
    const value: fc.Arbitrary<unknown> = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }));
    const node = fc.record(
      {
        id: fc.oneof(fc.constantFrom('a', 'b', 'c'), value),
        type: fc.oneof(fc.constantFrom('transform', 'condition', 'switch', 'merge', 'http', 'code', 'delay', 'approval', 'question', 'agent'), value),
        name: value,
        config: fc.oneof(
          value,
          fc.dictionary(
            fc.constantFrom(
              'expression',
              'cases',
              'mode',
              'url',
              'headers',
              'query',
              'auth',
              'expect_status',
              'source',
              'seconds',
              'until',
              'prompt',
              'schema',
              'approvers',
              'on_expiry',
              'on_reject',
            ),
            value,
          ),
        ),
        retry: value,
      },
      { requiredKeys: [] },
    );
    const edge = fc.record({ from: text, to: text, branch: value }, { requiredKeys: ['from', 'to'] });
    const body = fc.record(
      {
        key: value,
        name: value,
        nodes: fc.oneof(fc.array(node), value),
        edges: fc.oneof(fc.array(edge), value),
        positions: value,
        output: value,
        settings: fc.oneof(value, fc.record({ concurrency_key: value, output_schema: value })),
        input_schema: value,
      },
      { requiredKeys: [] },
    );
    fc.assert(fc.property(body, never), { numRuns: 500 });
  });
});

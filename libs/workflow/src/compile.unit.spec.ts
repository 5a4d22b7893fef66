import { describe, expect, it } from '@jest/globals';
import { compile } from './compile.js';
import type { NodeDefinition } from './definition.js';
import type { CompiledNode } from './graph.js';

const node = (id: string, type: string, config: NodeDefinition['config'] = {}, rest: Partial<NodeDefinition> = {}): NodeDefinition => ({ id, type, name: id, config, ...rest });
const chain = (...ids: string[]) => ids.map((to, index) => ({ from: ids[index - 1] ?? 'start_of_workflow', to }));
const referencesOf = (type: string, config: NodeDefinition['config']) =>
  compile('v', {
    key: 'k',
    name: 'n',
    nodes: [node('fetch', 'http', { url: 'http://x' }), node('large', 'transform', { expression: '1' }), node('it', type, config)],
    edges: chain('fetch', 'large', 'it'),
  }).nodes.get('it')?.references;

describe('compile', () => {
  const workflow = compile('v1', {
    key: 'k',
    name: 'n',
    nodes: [
      node('a', 'http', { url: 'http://x' }, { retry: { max_attempts: 3 }, timeout_ms: 5 }),
      node('b', 'condition', { expression: 'true' }),
      node('c', 'merge', { mode: 'any' }),
      node('d', 'approval', { prompt: 'x' }),
      node('e', 'delay', { seconds: 1 }),
    ],
    edges: [
      ...chain('a', 'b'),
      { from: 'b', to: 'c', branch: 'true' },
      { from: 'b', to: 'c', branch: 'false' },
      { from: 'start_of_workflow', to: 'd' },
      { from: 'start_of_workflow', to: 'c' },
      { from: 'c', to: 'e' },
    ],
  });
  const of = (id: string) => workflow.nodes.get(id) as CompiledNode;

  it('knows where a workflow begins and ends', () => {
    expect(workflow.first).toEqual(['a', 'd']);
    expect(workflow.last).toEqual(['d', 'e']);
    expect([...workflow.nodes.keys()]).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('counts edges, the start included', () => {
    expect(['a', 'b', 'c', 'd'].map((id) => of(id).inDegree)).toEqual([1, 1, 3, 1]);
    expect(of('b').outgoing.map(({ branch }) => branch)).toEqual(['true', 'false']);
  });

  it('says where a node runs', () => {
    expect([...workflow.nodes.values()].map(({ pure, gate, delay, mergeAny }) => ({ pure, gate, delay, mergeAny }))).toEqual([
      { pure: false, gate: null, delay: false, mergeAny: false },
      { pure: true, gate: null, delay: false, mergeAny: false },
      { pure: true, gate: null, delay: false, mergeAny: true },
      { pure: false, gate: 'approval', delay: false, mergeAny: false },
      { pure: false, gate: null, delay: true, mergeAny: false },
    ]);
  });

  it('fills in the retry policy', () => {
    expect(of('a').retry).toEqual({ max_attempts: 3, initial_ms: 200, factor: 2, max_ms: 30_000, jitter: true });
    expect(of('b').retry.max_attempts).toBe(1);
    expect([of('a').timeoutMs, of('b').timeoutMs]).toEqual([5, null]);
  });

  it("holds the agent that is pinned for a node, whose time limit is the node's", () => {
    const pinned = { agent_id: 'a', agent_version_id: 'v', version: 2, key: 'k', name: 'n', model: { provider: 'openai', name: 'm' }, tools: [], guardrails: [] } as const;
    const nodes = [node('free', 'agent', { agent: 'k' }), node('short', 'agent', { agent: 'k' }, { timeout_ms: 1000 }), node('plain', 'merge')];
    const { nodes: compiled } = compile(
      'v',
      { key: 'k', name: 'n', nodes, edges: chain('free', 'short', 'plain') },
      { free: { ...pinned, limits: { seconds: 60 } }, short: { ...pinned, limits: { seconds: 60 } } },
    );
    expect([...compiled.values()].map(({ agent, timeoutMs, effect }) => [agent?.version ?? null, timeoutMs, effect])).toEqual([
      [2, 60_000, null],
      [2, 1000, null],
      [null, null, null],
    ]);
  });

  it('finds all ancestors', () => {
    expect([...of('e').ancestors()].sort()).toEqual(['a', 'b', 'c']);
    expect(of('a').ancestors()).toEqual([]);
  });

  it('reads what a merge joins', () => expect(of('c').references).toEqual(['b']));

  it('is fast and lazy at 10,000 nodes', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `n${index}`);
    const started = performance.now();
    const large = compile('v', { key: 'k', name: 'n', nodes: ids.map((id) => node(id, 'transform', { expression: '((' })), edges: chain(...ids) });
    expect(performance.now() - started).toBeLessThan(1000);
    expect(large.nodes.get('n9999')?.ancestors().length).toBe(9999);
  });
});

describe('references', () => {
  it.each<[string, readonly string[] | 'ancestors']>([
    ['1', []],
    ['input.nodes.fetch', []],
    ['nodes.fetch.body.total > 1000', ['fetch']],
    ['nodes.`fetch`.x + nodes."large"', ['fetch', 'large']],
    ['nodes.unknown', []],
    ['$$.nodes.fetch', ['fetch']],
    ['$.nodes.fetch', ['fetch']],
    ['$lookup(nodes, "fetch")', ['fetch']],
    ['input.items[$$.nodes.large = id]', ['large']],
    ['input.items[nodes.large = id]', []],
    ['$map(input.items, function($v) { $v * nodes.large })', ['large']],
    ['{ "a": [nodes.fetch.x] }', ['fetch']],
    ['nodes', 'ancestors'],
    ['nodes["fetch"]', 'ancestors'],
    ['nodes.*', 'ancestors'],
    ['nodes.(fetch)', 'ancestors'],
    ['$keys(nodes)', 'ancestors'],
    ['($n := nodes; $n.fetch)', 'ancestors'],
    ['$', 'ancestors'],
    ['$$', 'ancestors'],
    ['**.total', 'ancestors'],
    ['$string()', 'ancestors'],
    ['nodes.fetch.body.%', 'ancestors'],
    ['$lookup(nodes, input.id)', 'ancestors'],
    ['((', 'ancestors'],
  ])('of the expression %s', (expression, references) => expect(referencesOf('transform', { expression })).toEqual(references));

  it.each<[string, readonly string[] | 'ancestors']>([
    ['return 1', []],
    ['return { s: nodes.fetch.body.total / nodes["large"] + nodes?.fetch }', ['fetch', 'large']],
    ["return nodes ['fetch']", ['fetch']],
    ['return input.nodes.fetch', []],
    ['return mynodes.fetch', []],
    ['const { fetch } = nodes; return fetch', 'ancestors'],
    ['return nodes[input.id]', 'ancestors'],
    ['return Object.keys(nodes)', 'ancestors'],
    ['return arguments[1].fetch', 'ancestors'],
    ['return n\\u006fdes.fetch', 'ancestors'],
  ])('of the source %s', (source, references) => expect(referencesOf('code', { source })).toEqual(references));

  it('of templates at any depth', () => {
    expect(referencesOf('http', { url: 'http://x/{{ nodes.fetch.id }}', body: { a: ['{{ nodes.large }}'] } })).toEqual(['fetch', 'large']);
    expect(referencesOf('agent', { agent: 'k', input: 'nodes.fetch.body' })).toEqual(['fetch']);
    expect(referencesOf('agent', { agent: 'k', input: { text: 'On {{ nodes.large }}' } })).toEqual(['large']);
    expect(referencesOf('approval', { prompt: 'Pay {{ nodes.fetch.total }}?', schema: { title: '{{ nodes }}' } })).toEqual(['fetch']);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { ExecutionView, NodeView } from '@runlog/contract';
import { compile } from '@runlog/workflow';
import { diffOf } from './diff.js';

const node = (id: string) => ({ id, type: 'transform', name: id, config: { expression: '1' } });
const row = (...ids: string[]) =>
  compile(ids.join(), { key: 'w', name: 'W', nodes: [...ids].reverse().map(node), edges: ids.map((id, at) => ({ from: ids[at - 1] ?? 'start_of_workflow', to: id })) });

const ran = (given: Partial<NodeView> = {}): NodeView =>
  ({ status: 'completed', branch: null, output: 1, error: null, started_at: 100, completed_at: 130, failed_at: null, stopped_at: null, ...given }) as NodeView;
const run = (id: string, workflow: ReturnType<typeof row>, nodes: Record<string, NodeView>, input: unknown = {}) => ({
  view: { id, input, nodes } as unknown as ExecutionView,
  workflow,
});
const three = row('a', 'b', 'c');

describe('a diff', () => {
  it('of two equal runs has no divergence, whatever their times and the order of members', () => {
    const a = run('x', three, { a: ran({ output: { p: 1, q: 2 } }) }, { m: 1, n: 2 });
    const b = run('y', three, { a: ran({ output: { q: 2, p: 1 }, completed_at: 150 }) }, { n: 2, m: 1 });
    const diff = diffOf(a, b, 1_000);
    expect(diff).toMatchObject({ a: 'x', b: 'y', first_divergence: null });
    expect(diff.nodes[0]).toEqual({ node_id: 'a', status: { a: 'completed', b: 'completed' }, output_equal: true, duration_ms: { a: 30, b: 50 }, cost: { a: 0, b: 0 } });
    expect(diff.nodes[1]).toEqual({ node_id: 'b', status: { a: 'idle', b: 'idle' }, output_equal: true, duration_ms: { a: null, b: null }, cost: { a: 0, b: 0 } });
  });

  it('finds the first node in the order of the graph that went another way', () => {
    const a = run('x', three, { a: ran(), b: ran({ output: 2 }), c: ran({ output: 3 }) });
    const b = run('y', three, { a: ran(), b: ran({ output: 5 }), c: ran({ status: 'failed', output: null, error: { code: 'x', message: 'no' } }) });
    const diff = diffOf(a, b, 1_000);
    expect(diff.first_divergence).toEqual({ node_id: 'b', field: 'output', a: 2, b: 5 });
    expect(diff.nodes.map(({ node_id, output_equal }) => [node_id, output_equal])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
    ]);
  });

  it('begins with the input', () => {
    expect(diffOf(run('x', three, {}, { n: 1 }), run('y', three, { a: ran() }, { n: 2 }), 0).first_divergence).toEqual({
      node_id: 'start_of_workflow',
      field: 'input',
      a: { n: 1 },
      b: { n: 2 },
    });
  });

  it('lists the nodes of both where the workflows differ', () => {
    const { nodes } = diffOf(run('x', row('a', 'b'), { a: ran() }), run('y', row('a', 'z'), { a: ran(), z: ran() }), 1_000);
    expect(nodes.map(({ node_id, status }) => [node_id, status.a, status.b])).toEqual([
      ['a', 'completed', 'completed'],
      ['b', 'idle', null],
      ['z', null, 'completed'],
    ]);
  });
});

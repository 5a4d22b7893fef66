import { describe, expect, it } from '@jest/globals';
import type { WorkflowDefinition } from './definition.js';
import { layoutTemplate } from './layout.js';

const transform = (id: string) => ({ id, type: 'transform', name: id.toUpperCase(), config: { expression: '1' } });
const edge = (from: string, to: string) => ({ from, to });

describe('layoutTemplate', () => {
  it('gives exactly the published template for an empty workflow', () => {
    expect(layoutTemplate({ key: 'k', name: 'n', nodes: [], edges: [] })).toEqual({
      nodes: [{ id: 'start_of_workflow', type: 'Start', name: 'Start Workflow' }],
      edges: [],
      width: 1200,
      height: 150,
      positions: { start_of_workflow: { x: 450, y: 0 } },
      action_types: [],
    });
  });

  const diamond: WorkflowDefinition = {
    key: 'k',
    name: 'n',
    nodes: [transform('d'), transform('a'), transform('b'), { ...transform('c'), type: 'merge' }],
    edges: [edge('start_of_workflow', 'a'), edge('start_of_workflow', 'b'), edge('a', 'c'), edge('b', 'c'), edge('c', 'd'), edge('a', 'd')],
  };

  it('puts each node below everything that leads to it, without overlaps', () => {
    const { positions, nodes, edges, height, action_types } = layoutTemplate(diamond);
    for (const { from, to } of edges) expect(positions[to]?.y).toBeGreaterThan(positions[from]?.y ?? Number.NaN);
    expect(new Set(Object.values(positions).map(({ x, y }) => `${x},${y}`)).size).toBe(5);
    expect(nodes.map(({ id }) => id)).toEqual(['start_of_workflow', 'd', 'a', 'b', 'c']);
    const x = (id: string) => positions[id]?.x ?? Number.NaN;
    expect(x('a') + x('b')).toBe(2 * x('c'));
    expect(height).toBe(600);
    expect(action_types).toEqual(['transform', 'merge']);
  });

  it('keeps positions that are given and makes room for them', () => {
    const { positions, width, height } = layoutTemplate({ ...diamond, positions: { a: { x: 2000, y: 3000 } } });
    expect(positions.a).toEqual({ x: 2000, y: 3000 });
    expect([width, height]).toEqual([2300, 3150]);
  });

  it('is the same every time, and fast at 10,000 nodes', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `n${index}`);
    const large = { key: 'k', name: 'n', nodes: ids.map(transform), edges: ids.map((id, index) => edge(index < 100 ? 'start_of_workflow' : `n${(index * 7919) % index}`, id)) };
    const started = performance.now();
    const template = layoutTemplate(large);
    expect(performance.now() - started).toBeLessThan(1500);
    expect(layoutTemplate(large)).toEqual(template);
  });
});

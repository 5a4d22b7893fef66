import { describe, expect, it } from '@jest/globals';
import { compile } from './compile.js';
import type { EdgeDefinition, Json, NodeDefinition } from './definition.js';
import type { CompiledNode } from './graph.js';
import { runPure } from './run-pure.js';

const seed = { at: 0, commandId: 'c' };
const run = (type: string, config: NodeDefinition['config'], input: Json = null) => {
  const workflow = compile('v', { key: 'k', name: 'n', nodes: [{ id: 'it', type, name: 'it', config }], edges: [{ from: 'start_of_workflow', to: 'it' }] });
  return runPure(workflow.nodes.get('it') as CompiledNode, { input, nodes: {}, execution: {} }, seed);
};

describe('runPure', () => {
  it('transforms', async () => expect(await run('transform', { expression: '{"n": input + 1}' }, 1)).toEqual({ output: { n: 2 } }));

  it.each<[string, boolean]>([
    ['1 > 0', true],
    ['input.missing', false],
    ['[]', false],
    ['{}', false],
    ['""', false],
    ['0', false],
    ['[0, false]', false],
    ['[0, 1]', true],
    ['"false"', true],
  ])('takes the truth of %s as JSONata does', async (expression, truth) => {
    expect(await run('condition', { expression }, {})).toEqual({ output: truth, branch: String(truth) });
    expect(await run('transform', { expression: `(${expression}) ? true : false` }, {})).toEqual({ output: truth });
  });

  it('chooses a case by the value as a string, else default', async () => {
    const config = { expression: 'input', cases: ['a', 2, true] };
    expect(await run('switch', config, 'a')).toEqual({ output: 'a', branch: 'a' });
    expect(await run('switch', config, 2)).toEqual({ output: 2, branch: '2' });
    expect(await run('switch', config, true)).toEqual({ output: true, branch: 'true' });
    for (const other of ['b', null, { a: 1 }, ['a', 'b']]) expect(await run('switch', config, other)).toMatchObject({ output: other, branch: 'default' });
  });

  it('gives an error instead of throwing', async () => {
    expect(await run('transform', { expression: '1 + "a"' })).toMatchObject({ error: { code: 'expression_failed' } });
    expect(await run('condition', { expression: '($f := function() { $f() }; $f())' })).toMatchObject({ error: { code: 'expression_timeout' } });
  });

  describe('of a merge', () => {
    const edges: EdgeDefinition[] = [
      { from: 'start_of_workflow', to: 'a' },
      { from: 'start_of_workflow', to: 'cond' },
      { from: 'a', to: 'join' },
      { from: 'cond', to: 'b', branch: 'true' },
      { from: 'cond', to: 'join', branch: 'false' },
      { from: 'b', to: 'join' },
    ];
    const nodes = ['a', 'cond', 'b', 'join'].map((id) => ({
      id,
      name: id,
      type: id === 'join' ? 'merge' : id === 'cond' ? 'condition' : 'transform',
      config: { expression: '1' },
    }));
    const join = compile('v', { key: 'k', name: 'n', nodes, edges }).nodes.get('join') as CompiledNode;
    const merge = (outputs: { [node: string]: Json }) => runPure(join, { input: null, nodes: outputs, execution: {} }, seed);

    it('gives the outputs of what came in, by id', async () => expect(await merge({ a: 1, cond: true, b: 2 })).toEqual({ output: { a: 1, b: 2 } }));
    it('counts a chosen branch', async () => expect(await merge({ a: 1, cond: false })).toEqual({ output: { a: 1, cond: false } }));
    it('gives the output itself when one came in', async () => expect(await merge({ cond: true, b: { x: 1 } })).toEqual({ output: { x: 1 } }));
    it('gives null when none has', async () => expect(await merge({})).toEqual({ output: null }));
  });
});

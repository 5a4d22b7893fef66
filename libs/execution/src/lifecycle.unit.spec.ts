import { describe, expect, it } from '@jest/globals';
import { chain, edge, node, Scenario, types } from './testing/scenario.js';

describe('CreateExecution', () => {
  it('records created, queued and started in this order, and schedules the first node', async () => {
    const scenario = await Scenario.of(chain(['a', 'code'])).created();
    expect(types(scenario.history)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeScheduled']);
    expect(scenario.status()).toBe('running');
  });

  it('completes an empty workflow at once', async () => {
    const scenario = await Scenario.of({}).created();
    expect(types(scenario.history).at(-1)).toBe('ExecutionCompleted');
  });

  it('answers the same command again without an event, and refuses another for the same id', async () => {
    const scenario = await Scenario.of(chain(['a', 'code'])).created();
    const create = { type: 'CreateExecution', created: scenario.execution?.created } as never;
    expect(await scenario.accepted({ ...(create as object), id: 'command-1' } as never)).toEqual([]);
    expect(await scenario.refused(create)).toMatchObject({ rejected: 'AlreadyExists' });
  });

  it('runs pure nodes in the same step, one event each', async () => {
    const scenario = await Scenario.of({
      ...chain(['a', 'transform', { expression: 'input.x + 1' }], ['b', 'transform', { expression: 'nodes.a * 2' }]),
      output: 'nodes.b',
    }).created({ input: { x: 2 } });
    expect(types(scenario.history).slice(3)).toEqual(['NodeCompleted', 'NodeCompleted', 'ExecutionCompleted']);
    expect(scenario.history.at(-1)?.data).toEqual({ output: 6 });
  });

  it('gives the value of a single last node as output, and several by id', async () => {
    const one = await Scenario.of(chain(['a', 'transform', { expression: '7' }])).created();
    expect(one.history.at(-1)?.data).toEqual({ output: 7 });
    const two = await Scenario.of({
      nodes: [node('a', 'transform', { expression: '1' }), node('b', 'transform', { expression: '2' })],
      edges: [edge('start_of_workflow', 'a'), edge('start_of_workflow', 'b')],
    }).created();
    expect(two.history.at(-1)?.data).toEqual({ output: { a: 1, b: 2 } });
  });

  it('fails with output_invalid when the output breaks the output schema', async () => {
    const scenario = await Scenario.of({ ...chain(['a', 'transform', { expression: '7' }]), settings: { output_schema: { type: 'string' } } }).created();
    expect(scenario.history.at(-1)).toMatchObject({ type: 'ExecutionFailed', data: { error_code: 'output_invalid' } });
  });
});

describe('edges', () => {
  const branching = {
    nodes: [
      node('test', 'condition', { expression: 'input.yes' }),
      node('yes', 'transform', { expression: '"yes"' }),
      node('no', 'transform', { expression: '"no"' }),
      node('after_no', 'transform', { expression: '"after"' }),
      node('join', 'merge', { mode: 'all' }),
    ],
    edges: [edge('start_of_workflow', 'test'), edge('test', 'yes', 'true'), edge('test', 'no', 'false'), edge('no', 'after_no'), edge('yes', 'join'), edge('after_no', 'join')],
  };

  it('runs the chosen branch and skips the other with all that hangs on it', async () => {
    const scenario = await Scenario.of(branching).created({ input: { yes: true } });
    expect(['yes', 'no', 'after_no', 'join'].map((id) => scenario.status(id))).toEqual(['completed', 'skipped', 'skipped', 'completed']);
    expect(scenario.status()).toBe('completed');
  });

  it('joins when every edge is decided and one is open', async () => {
    const scenario = await Scenario.of({
      nodes: [node('a', 'code'), node('b', 'code'), node('join', 'code')],
      edges: [edge('start_of_workflow', 'a'), edge('start_of_workflow', 'b'), edge('a', 'join'), edge('b', 'join')],
    }).created();
    await scenario.start('a');
    await scenario.complete('a');
    expect(scenario.status('join')).toBe('idle');
    await scenario.start('b');
    expect(types(await scenario.complete('b'))).toEqual(['NodeCompleted', 'NodeScheduled']);
  });

  it('lets a merge of mode any run at the first open edge, once', async () => {
    const scenario = await Scenario.of({
      nodes: [node('a', 'code'), node('b', 'code'), node('any', 'merge', { mode: 'any' })],
      edges: [edge('start_of_workflow', 'a'), edge('start_of_workflow', 'b'), edge('a', 'any'), edge('b', 'any')],
    }).created();
    await scenario.start('a');
    await scenario.complete('a', 1);
    expect(scenario.status('any')).toBe('completed');
    await scenario.start('b');
    expect(types(await scenario.complete('b', 2))).toEqual(['NodeCompleted', 'ExecutionCompleted']);
  });
});

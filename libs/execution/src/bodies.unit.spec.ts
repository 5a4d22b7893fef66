import { describe, expect, it } from '@jest/globals';
import { bodyOf, referencesIn, withReference } from './bodies.js';
import type { ExecutionEvent } from './events.js';
import { scopeOf } from './scope.js';
import { fromSnapshot, toSnapshot } from './snapshot.js';
import { chain, edge, node, Scenario, types } from './testing/scenario.js';

const stored = (letter: string) => ({ digest: `sha256:${letter.repeat(64)}`, bytes: 100_000, media_type: 'application/json' });
const big = stored('a');
const input = stored('b');

const completeStored = (scenario: Scenario, id: string, outputRef = big) =>
  scenario.accepted({ type: 'CompleteNode', node: id, attempt: scenario.attempt(id), runner: 'r1', output: null, outputRef });

const scopeIn = (scenario: Scenario, id: string | null) => scopeOf(scenario.execution as never, scenario.workflow, id);

describe('a result that is stored elsewhere', () => {
  it('is recorded by its reference, which whoever reads it gets in its place', async () => {
    const scenario = await Scenario.of(chain(['a', 'code'], ['b', 'code', { source: 'return nodes.a.length;' }])).created();
    await scenario.start('a');
    const events = await completeStored(scenario, 'a');
    expect(events[0]).toMatchObject({ type: 'NodeCompleted', data: { output: null, output_ref: big } });
    expect(scopeIn(scenario, 'b')).toMatchObject({ nodes: {}, bodies: { nodes: { a: big } } });
  });

  it('is no reference where a value only looks like one', async () => {
    const scenario = await Scenario.of(chain(['a', 'code'], ['b', 'code', { source: 'return nodes.a;' }])).created();
    await scenario.start('a');
    const lookalike = { output: null, output_ref: { ...big } };
    await scenario.complete('a', lookalike);
    const scope = scopeIn(scenario, 'b');
    expect(scope.nodes).toEqual({ a: lookalike });
    expect(scope).not.toHaveProperty('bodies');
  });

  it('is no concern of a node that does not read it', async () => {
    const nodes = [node('a', 'code'), node('b', 'code', { source: 'return input.x;' }), node('c', 'code', { source: 'return nodes.b;' })];
    const scenario = await Scenario.of({ nodes, edges: [edge('start_of_workflow', 'a'), edge('a', 'b'), edge('b', 'c')] }).created({ input: null, input_ref: input });
    await scenario.start('a');
    await completeStored(scenario, 'a');
    expect(scopeIn(scenario, 'b').bodies).toEqual({ input, nodes: {} });
    expect(scopeIn(scenario, 'c')).not.toHaveProperty('bodies');
  });

  it('as that of the last node asks for an evaluation, which may hand the reference on', async () => {
    const scenario = await Scenario.of(chain(['a', 'code'])).created();
    await scenario.start('a');
    scenario.evaluations = [{ output: null, reference: big }];
    const events = await completeStored(scenario, 'a');
    expect(events.at(-1)).toMatchObject({ type: 'ExecutionCompleted', data: { output: null, output_ref: big } });
  });

  it('comes back from a snapshot', async () => {
    const scenario = await Scenario.of(chain(['a', 'code'], ['b', 'code', { source: 'return nodes.a;' }])).created({ input: null, input_ref: input });
    await scenario.start('a');
    await completeStored(scenario, 'a');
    const back = fromSnapshot(JSON.parse(JSON.stringify(toSnapshot(scenario.execution as never))));
    expect([back.bodies, back.created.input_ref]).toEqual([new Map([['a', big]]), input]);
    const { bodies: _none, ...old } = JSON.parse(JSON.stringify(toSnapshot(scenario.execution as never)));
    expect(fromSnapshot(old).bodies).toEqual(new Map());
  });

  it('after a cancel is dropped like any other', async () => {
    const scenario = await Scenario.of(chain(['a', 'code'])).created();
    await scenario.start('a');
    await scenario.accepted({ type: 'CancelExecution', by: 'user:ann' });
    expect(types(await completeStored(scenario, 'a'))).toEqual(['NodeStopped', 'ExecutionCancelled']);
  });
});

describe('the body of an event', () => {
  const completed: ExecutionEvent = { type: 'NodeCompleted', data: { node_id: 'a', attempt: 1, output: [1, 2] } };

  it('is exchanged for a reference beside a null', () => {
    expect(bodyOf(completed)).toEqual({ member: 'output', value: [1, 2] });
    const referring = withReference(completed, big);
    expect(referring.data).toEqual({ node_id: 'a', attempt: 1, output: null, output_ref: big });
    expect(referencesIn(referring)).toEqual([big]);
  });

  it('is never looked for within what a user sent', () => {
    expect(referencesIn({ type: 'NodeCompleted', data: { node_id: 'a', attempt: 1, output: { output_ref: big } as never } })).toEqual([]);
  });

  it('is there only in events that have one', () => {
    const event: ExecutionEvent = { type: 'NodeSkipped', data: { node_id: 'a' } };
    expect([bodyOf(event), referencesIn(event)]).toEqual([undefined, []]);
    expect(() => withReference(event, big)).toThrow('NodeSkipped has none');
  });
});

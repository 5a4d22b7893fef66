import { describe, expect, it } from '@jest/globals';
import type { WorkflowDefinition } from '@runlog/workflow';
import type { Intent } from './commands.js';
import { legAfter, stepAfter } from './leg.js';
import type { NodeTask } from './messages.js';
import { chain, edge, node, Scenario, types } from './testing/scenario.js';

const reading = (id: string, ...before: string[]) => [id, 'code', { source: `return [${before.map((one) => `nodes.${one}`).join()}];` }] as [string, string, { source: string }];
const abc = chain(['a', 'code'], reading('b', 'a'), reading('c', 'a', 'b'));
const of = (definition: Partial<WorkflowDefinition>) => Scenario.of(definition).created();
const begins = (id: string): Intent => ({ id: `start-${id}`, node: id, attempt: 1 });

describe('a leg', () => {
  const legOf = (scenario: Scenario, id: string, most = 20) => legAfter(scenario.execution as never, scenario.workflow, id, most)?.nodes.map((one) => one.node) ?? [];

  it('is the chain of runner nodes that follow by the graph alone, as long as it may be', async () => {
    expect(legOf(await of(abc), 'a')).toEqual(['b', 'c']);
    expect(legOf(await of(abc), 'b')).toEqual(['c']);
    expect(legOf(await of(abc), 'a', 1)).toEqual(['b']);
    expect(legOf(await of(abc), 'a', 0)).toEqual([]);
  });

  it.each([
    ['a pure node', ['t', 'transform', { expression: '1' }]],
    ['a gate', ['t', 'question', { prompt: '?' }]],
    ['a delay', ['t', 'delay', { seconds: 1 }]],
    ['a node that runs at most once', ['t', 'code', {}, { effect: 'at_most_once' }]],
    ['a node that declares an effect', ['t', 'code', {}, { effect: 'keyed' }]],
  ] as const)('ends before %s', async (_, next) => {
    expect(legOf(await of(chain(['a', 'code'], reading('b', 'a'), next as never, ['c', 'code'])), 'a')).toEqual(['b']);
  });

  it('ends where paths part', async () => {
    const parting = { nodes: ['a', 'b', 'c', 'd'].map((id) => node(id, 'code')), edges: [edge('start_of_workflow', 'a'), edge('a', 'b'), edge('b', 'c'), edge('b', 'd')] };
    expect(legOf(await of(parting), 'a')).toEqual(['b']);
  });

  it('goes through a join once the other path is decided, not before', async () => {
    const joining = {
      nodes: ['a', 'x', 'j', 'z'].map((id) => node(id, 'code')),
      edges: [
        ['start_of_workflow', 'a'],
        ['start_of_workflow', 'x'],
        ['a', 'j'],
        ['x', 'j'],
        ['j', 'z'],
      ].map(([from, to]) => edge(from as string, to as string)),
    };
    const scenario = await of(joining);
    expect(legOf(scenario, 'a')).toEqual([]);
    await scenario.start('x');
    await scenario.complete('x');
    expect(legOf(scenario, 'a')).toEqual(['j', 'z']);
  });

  it('takes along the outputs that its nodes read and that are known, and gives each what it reads', async () => {
    const scenario = await of(chain(['before', 'code'], ['a', 'code'], reading('b', 'before', 'a'), reading('c', 'b')));
    await scenario.start('before');
    await scenario.complete('before', 'first');
    const leg = legAfter(scenario.execution as never, scenario.workflow, 'a', 20);
    expect(leg?.outputs).toEqual({ before: 'first' });
    const task = { executionId: 'e', node: 'a', attempt: 2, scope: { input: 1, nodes: {}, execution: {} }, leg } as unknown as NodeTask;
    const b = stepAfter(task, 'second', 'complete-a', 7) as NodeTask;
    expect(b).toMatchObject({
      node: 'b',
      attempt: 1,
      idempotencyKey: 'e:b',
      at: 7,
      scope: { input: 1, nodes: { before: 'first', a: 'second' } },
      leg: { begun: { head: 'a.2', by: 'complete-a' } },
    });
    const c = stepAfter(b, 'third', 'complete-b', 8) as NodeTask;
    expect(c.scope.nodes).toEqual({ b: 'third' });
    expect(c.leg?.begun).toEqual({ head: 'a.2', by: 'complete-b' });
    expect(stepAfter(c, 'fourth', 'complete-c', 9)).toBeUndefined();
  });
});

describe('CompleteNode with an intent', () => {
  const report = { type: 'CompleteNode', node: 'a', attempt: 1, runner: 'r1', output: 1, begins: begins('b') } as const;
  const started = async (definition: Partial<WorkflowDefinition> = abc) => {
    const scenario = await of(definition);
    await scenario.start('a');
    return scenario;
  };

  it('completes the node and starts the next one on the same runner', async () => {
    const scenario = await started();
    expect(types(await scenario.accepted(report))).toEqual(['NodeCompleted', 'NodeScheduled', 'NodeStarted']);
    expect(scenario.history.at(-1)?.data).toEqual({ node_id: 'b', attempt: 1, runner: 'r1' });
    expect(scenario.refusedIntents).toEqual([]);
  });

  it('carried out twice refuses the result, and not what was begun on it', async () => {
    const scenario = await started();
    await scenario.accepted({ ...report, id: 'complete-a' });
    expect(await scenario.refused({ ...report, id: 'complete-a' })).toMatchObject({ reason: 'attempt_over' });
    expect(scenario.refusedIntents).toEqual([]);
  });

  it('after a cancel is the receipt of the node, and begins nothing', async () => {
    const scenario = await started();
    await scenario.accepted({ type: 'CancelExecution', by: 'user:ann' });
    expect(types(await scenario.accepted(report))).toEqual(['NodeStopped', 'ExecutionCancelled']);
    expect(scenario.refusedIntents).toMatchObject([{ reason: 'attempt_over', because: expect.stringMatching(/^Expected to start a node/) }]);
  });

  it('of a lost attempt is refused with what it begins, also where the runner has the next attempt', async () => {
    const scenario = await started();
    await scenario.accepted({ type: 'LoseAttempt', node: 'a', attempt: 1, runner: 'r1', because: 'silent' });
    expect(await scenario.refused(report)).toMatchObject({ reason: 'attempt_over' });
    await scenario.start('a');
    expect(await scenario.refused(report)).toMatchObject({ reason: 'attempt_over' });
    expect(scenario.refusedIntents).toHaveLength(2);
    expect(types(await scenario.accepted({ ...report, attempt: 2 }))).toEqual(['NodeCompleted', 'NodeScheduled', 'NodeStarted']);
  });

  it('after the end begins nothing', async () => {
    const scenario = await started({ nodes: [...(abc.nodes ?? []), node('x', 'code')], edges: [...(abc.edges ?? []), edge('start_of_workflow', 'x')] });
    await scenario.start('x');
    await scenario.fail('x');
    expect(await scenario.refused(report)).toMatchObject({ reason: 'execution_ended' });
    expect(scenario.refusedIntents).toHaveLength(1);
  });

  it('begins no node that is not next, runs at most once, or is none of a runner', async () => {
    const next = (kind: string, config: object, rest: object = {}) => started(chain(['a', 'code'], ['b', kind, config as never, rest], ['c', 'code']));
    for (const scenario of [await next('code', {}, { effect: 'at_most_once' }), await next('question', { prompt: '?' }), await next('transform', { expression: '1' })]) {
      const events = await scenario.accepted(report);
      expect(types(events)).not.toContain('NodeStarted');
      expect(scenario.refusedIntents).toHaveLength(1);
    }
    const scenario = await started();
    expect(types(await scenario.accepted({ ...report, begins: begins('c') }))).toEqual(['NodeCompleted', 'NodeScheduled']);
    expect(scenario.refusedIntents).toHaveLength(1);
  });

  it('whose next node is scheduled already starts it: the record broke off in between', async () => {
    const scenario = await started();
    await scenario.accepted({ ...report, begins: undefined } as never);
    expect(types(scenario.intend({ ...report, id: 'complete-a' }))).toEqual(['NodeStarted']);
  });
});

describe('a report of a node begun ahead', () => {
  const begun = async () => {
    const scenario = await of(abc);
    await scenario.start('a');
    await scenario.accepted({ type: 'CompleteNode', id: 'complete-a', node: 'a', attempt: 1, runner: 'r1', output: 1, begins: begins('b') });
    return scenario;
  };
  const b = { node: 'b', attempt: 1, runner: 'r1' } as const;

  it('counts when its intent was accepted', async () => {
    const scenario = await begun();
    expect(types(await scenario.accepted({ type: 'CompleteNode', ...b, output: 2, begunBy: 'complete-a', begins: begins('c') }))).toEqual([
      'NodeCompleted',
      'NodeScheduled',
      'NodeStarted',
    ]);
  });

  it('is refused when the same runner began it on another result', async () => {
    const scenario = await begun();
    for (const other of [
      { type: 'CompleteNode', ...b, output: 3, begunBy: 'complete-a-lost' },
      { type: 'FailNode', ...b, error: { code: 'broken', message: 'it broke', retryable: true }, begunBy: 'complete-a-lost' },
    ] as const)
      expect(await scenario.refused(other)).toMatchObject({ reason: 'attempt_over' });
    expect(types(await scenario.accepted({ type: 'CompleteNode', ...b, output: 2, begunBy: 'complete-a' }))).toEqual(['NodeCompleted', 'NodeScheduled']);
  });

  it('may be a failure: the leg ends, and what follows is scheduled as ever', async () => {
    const scenario = await begun();
    expect(types(await scenario.accepted({ type: 'FailNode', ...b, error: { code: 'broken', message: 'it broke', retryable: true }, begunBy: 'complete-a' }))).toEqual([
      'NodeFailed',
      'ExecutionFailed',
    ]);
  });

  it('comes too late once the attempt was lost in the middle of the leg', async () => {
    const scenario = await begun();
    expect(types(await scenario.accepted({ type: 'LoseAttempt', ...b, because: 'silent' }))).toEqual(['AttemptLost', 'NodeScheduled']);
    expect(await scenario.refused({ type: 'CompleteNode', ...b, output: 2, begunBy: 'complete-a', begins: begins('c') })).toMatchObject({ reason: 'attempt_over' });
    expect(scenario.refusedIntents).toHaveLength(1);
  });

  it('needs no reminder: its attempt is taken', async () => {
    expect(await (await begun()).refused({ type: 'RemindNode', node: 'b', attempt: 1 })).toMatchObject({ reason: 'attempt_taken' });
  });
});

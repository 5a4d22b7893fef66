import { describe, expect, it } from '@jest/globals';
import { chain, edge, node, Scenario, types } from './testing/scenario.js';

const cancel = { type: 'CancelExecution', by: 'user:ann', reason: 'enough' } as const;
const parallel = () =>
  Scenario.of({
    nodes: [node('a', 'code'), node('b', 'code'), node('wait', 'delay', { seconds: 60 })],
    edges: [edge('start_of_workflow', 'a'), edge('start_of_workflow', 'b'), edge('start_of_workflow', 'wait')],
  }).created();

describe('CancelExecution', () => {
  it('cancels a suspended execution at once', async () => {
    const scenario = await Scenario.of(chain(['ask', 'approval', { prompt: '?' }])).created();
    expect(types(await scenario.accepted(cancel))).toEqual(['CancelRequested', 'NodeStopped', 'ExecutionCancelled']);
    expect(scenario.status()).toBe('cancelled');
  });

  it('fences first, stops what does not run, and waits for every running node', async () => {
    const scenario = await parallel();
    await scenario.start('a');
    await scenario.start('b');
    const events = await scenario.accepted(cancel);
    expect(types(events)).toEqual(['CancelRequested', 'NodeStopped']);
    expect(events[0]?.data).toMatchObject({ by: 'user:ann', reason: 'enough', running: ['a', 'b'] });
    expect(scenario.status()).toBe('running');
    expect(types(await scenario.accepted({ type: 'StopNode', node: 'a', attempt: 1, runner: 'r1' }))).toEqual(['NodeStopped']);
    expect(types(await scenario.accepted({ type: 'StopNode', node: 'b', attempt: 1, runner: 'r1' }))).toEqual(['NodeStopped', 'ExecutionCancelled']);
    expect(scenario.history.at(-1)?.data).toMatchObject({ by: 'user:ann', unacknowledged: [] });
  });

  it('drops a result that comes after the fence and says that the node finished anyway', async () => {
    const scenario = await Scenario.of(chain(['a', 'code'], ['b', 'code'])).created();
    await scenario.start('a');
    await scenario.accepted(cancel);
    const events = await scenario.complete('a', 'late');
    expect(events[0]).toMatchObject({ type: 'NodeStopped', data: { outcome: 'finished' } });
    expect(types(events)).toEqual(['NodeStopped', 'ExecutionCancelled']);
    expect(scenario.execution?.outputs.has('a')).toBe(false);
  });

  it('keeps when the runner received the stop signal, whatever it then reports', async () => {
    const scenario = await parallel();
    await scenario.start('a');
    await scenario.start('b');
    await scenario.accepted(cancel);
    const [stopped] = await scenario.accepted({ type: 'StopNode', node: 'a', attempt: 1, runner: 'r1', signalledAt: 7 });
    expect(stopped?.data).toEqual({ node_id: 'a', attempt: 1, acknowledged: true, outcome: 'stopped', signalled_at: 7 });
    const [failed] = await scenario.accepted({ type: 'FailNode', node: 'b', attempt: 1, runner: 'r1', error: { code: 'x', message: 'x', retryable: true }, signalledAt: 8 });
    expect(failed?.data).toEqual({ node_id: 'b', attempt: 1, acknowledged: true, outcome: 'finished', signalled_at: 8 });
  });

  it('refuses to start a node behind the fence', async () => {
    const scenario = await parallel();
    await scenario.start('a');
    await scenario.accepted(cancel);
    expect(await scenario.refused({ type: 'StartNode', node: 'b', attempt: 1, runner: 'r1' })).toMatchObject({ reason: 'cancel_requested' });
  });

  it('ends when the grace period is over, naming who did not acknowledge', async () => {
    const scenario = await parallel();
    await scenario.start('a');
    await scenario.accepted(cancel);
    const grace = { type: 'FireTimer', timer: { kind: 'cancel_grace' } } as const;
    expect(await scenario.refused(grace)).toMatchObject({ reason: 'timer_early' });
    scenario.clock = 10_000;
    await scenario.accepted(grace);
    expect(scenario.history.at(-1)).toMatchObject({ type: 'ExecutionCancelled', data: { unacknowledged: ['a'] } });
  });

  it('counts a lost runner as unacknowledged', async () => {
    const scenario = await Scenario.of(chain(['a', 'code'])).created();
    await scenario.start('a');
    await scenario.accepted(cancel);
    await scenario.accepted({ type: 'LoseAttempt', node: 'a', attempt: 1, runner: 'r1', because: 'silent' });
    expect(scenario.history.at(-1)).toMatchObject({ type: 'ExecutionCancelled', data: { unacknowledged: ['a'] } });
  });

  it('is answered without an event when it was cancelled already, and refused after another end', async () => {
    const cancelled = await Scenario.of(chain(['ask', 'approval', { prompt: '?' }])).created();
    await cancelled.accepted(cancel);
    expect(await cancelled.accepted(cancel)).toEqual([]);
    const completed = await Scenario.of({}).created();
    expect(await completed.refused(cancel)).toMatchObject({ rejected: 'InvalidState', reason: 'execution_ended', state: { status: 'completed' } });
  });

  it('lets no timer, answer or retry through after the fence', async () => {
    const scenario = await Scenario.of({
      nodes: [node('a', 'code'), node('ask', 'question', { prompt: '?' })],
      edges: [edge('start_of_workflow', 'a'), edge('start_of_workflow', 'ask')],
    }).created();
    await scenario.start('a');
    await scenario.accepted(cancel);
    expect(await scenario.refused({ type: 'Respond', node: 'ask', answer: 1, by: 'user:bob', roles: [] })).toMatchObject({ rejected: 'InvalidState' });
    expect(await scenario.refused({ type: 'FireTimer', timer: { kind: 'delay', node: 'ask', attempt: 1 } })).toMatchObject({ rejected: 'InvalidState' });
  });
});

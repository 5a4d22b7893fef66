import { describe, expect, it } from '@jest/globals';
import { chain, edge, node, Scenario, types } from './testing/scenario.js';

const one = (rest: object = {}) => Scenario.of(chain(['a', 'code', {}, rest])).created();
const retrying = { retry: { max_attempts: 2, initial_ms: 1000, factor: 2, jitter: false } };

describe('StartNode', () => {
  it('gives the attempt to the runner whose start was accepted', async () => {
    const scenario = await one();
    expect(types(await scenario.start('a', 'r1'))).toEqual(['NodeStarted']);
    expect(await scenario.refused({ type: 'StartNode', node: 'a', attempt: 1, runner: 'r2' })).toMatchObject({ reason: 'attempt_taken' });
    expect(await scenario.accepted({ type: 'StartNode', node: 'a', attempt: 1, runner: 'r1' })).toEqual([]);
  });

  it('is refused for a node that was never scheduled and for an unknown execution', async () => {
    const scenario = await one();
    expect(await scenario.refused({ type: 'StartNode', node: 'zzz', attempt: 1, runner: 'r1' })).toMatchObject({ rejected: 'InvalidState' });
    expect(await Scenario.of({}).refused({ type: 'StartNode', node: 'a', attempt: 1, runner: 'r1' })).toMatchObject({ rejected: 'NotFound' });
  });

  it('is refused after a cancel was asked for and after the end', async () => {
    const scenario = await Scenario.of({ nodes: [node('a', 'code'), node('b', 'code')], edges: [edge('start_of_workflow', 'a'), edge('start_of_workflow', 'b')] }).created();
    await scenario.start('b');
    await scenario.accepted({ type: 'CancelExecution', by: 'user:ann' });
    expect(await scenario.refused({ type: 'StartNode', node: 'a', attempt: 1, runner: 'r1' })).toMatchObject({ reason: 'cancel_requested' });
    await scenario.accepted({ type: 'StopNode', node: 'b', attempt: 1, runner: 'r1' });
    expect(await scenario.refused({ type: 'StartNode', node: 'a', attempt: 1, runner: 'r1' })).toMatchObject({ reason: 'execution_ended' });
  });
});

describe('a report that stands for its start too', () => {
  const report = (node: string, runner = 'r1') => ({ type: 'CompleteNode', node, attempt: 1, runner, output: 1, startedAt: 1_000 }) as const;

  it('starts the attempt when that began, and ends it', async () => {
    const scenario = await one();
    scenario.clock += 5_000;
    const events = await scenario.accepted(report('a'));
    expect(types(events)).toEqual(['NodeStarted', 'NodeCompleted', 'ExecutionCompleted']);
    expect(events.map((event) => (event as unknown as { at: number }).at)).toEqual([1_000, scenario.now(), scenario.now()]);
    const failing = await one(retrying);
    expect(types(await failing.accepted({ type: 'FailNode', node: 'a', attempt: 1, runner: 'r1', error: { code: 'e', message: 'm', retryable: true }, startedAt: 1 }))).toEqual([
      'NodeStarted',
      'NodeFailed',
      'NodeRetryScheduled',
    ]);
  });

  it('is refused as its start is: twice, of another runner, after a cancel', async () => {
    const scenario = await Scenario.of({ nodes: [node('a', 'code'), node('b', 'code')], edges: [edge('start_of_workflow', 'a'), edge('start_of_workflow', 'b')] }).created();
    await scenario.start('b');
    expect(await scenario.refused(report('b', 'r2'))).toMatchObject({ reason: 'attempt_taken', because: expect.stringMatching(/^Expected to start a node/) });
    await scenario.accepted(report('a'));
    expect(await scenario.refused(report('a'))).toMatchObject({ reason: 'attempt_taken' });
    const cancelled = await one();
    await cancelled.accepted({ type: 'CancelExecution', by: 'user:ann' });
    expect(await cancelled.refused(report('a'))).toMatchObject({ reason: 'execution_ended' });
  });

  it('ends an attempt of the same runner that is known to have started', async () => {
    const scenario = await one();
    await scenario.start('a');
    expect(types(await scenario.accepted(report('a')))).toEqual(['NodeCompleted', 'ExecutionCompleted']);
  });
});

describe('CompleteNode', () => {
  it('completes the execution after the last node', async () => {
    const scenario = await one();
    await scenario.start('a');
    expect(types(await scenario.complete('a', 3))).toEqual(['NodeCompleted', 'ExecutionCompleted']);
  });

  it('is refused from another runner, for another attempt, and twice', async () => {
    const scenario = await one();
    await scenario.start('a');
    const report = { type: 'CompleteNode', node: 'a', attempt: 1, runner: 'r1', output: 1 } as const;
    expect(await scenario.refused({ ...report, runner: 'r2' })).toMatchObject({ reason: 'attempt_over' });
    expect(await scenario.refused({ ...report, attempt: 2 })).toMatchObject({ reason: 'attempt_over' });
    await scenario.accepted(report);
    expect(await scenario.refused(report)).toMatchObject({ reason: 'execution_ended' });
  });
});

describe('FailNode', () => {
  it('fails the execution when no attempt is left, and stops what else is active', async () => {
    const scenario = await Scenario.of({ nodes: [node('a', 'code'), node('b', 'code')], edges: [edge('start_of_workflow', 'a'), edge('start_of_workflow', 'b')] }).created();
    await scenario.start('a');
    await scenario.start('b');
    const events = await scenario.fail('a');
    expect(types(events)).toEqual(['NodeFailed', 'NodeStopped', 'ExecutionFailed']);
    expect(events.at(-1)?.data).toMatchObject({ error_code: 'broken', error_node_id: 'a' });
  });

  it('schedules a retry with backoff, and the next attempt when its timer fires, never early', async () => {
    const scenario = await one(retrying);
    await scenario.start('a');
    const events = await scenario.fail('a');
    expect(types(events)).toEqual(['NodeFailed', 'NodeRetryScheduled']);
    expect(events[1]?.data).toMatchObject({ attempt: 2, retry_at: scenario.now() + 1000 });
    const timer = { kind: 'retry', node: 'a', attempt: 2 } as const;
    scenario.clock += 999;
    expect(await scenario.refused({ type: 'FireTimer', timer })).toMatchObject({ reason: 'timer_early' });
    scenario.clock += 1;
    expect(types(await scenario.accepted({ type: 'FireTimer', timer }))).toEqual(['NodeScheduled']);
    expect(await scenario.refused({ type: 'FireTimer', timer })).toMatchObject({ reason: 'timer_settled' });
    await scenario.start('a');
    expect(types(await scenario.fail('a'))).toEqual(['NodeFailed', 'ExecutionFailed']);
  });

  it('does not retry a terminal error or a code that is listed as such', async () => {
    const terminal = await one(retrying);
    await terminal.start('a');
    expect(types(await terminal.fail('a', 'broken', false))).toEqual(['NodeFailed', 'ExecutionFailed']);
    const listed = await one({ retry: { ...retrying.retry, non_retryable: ['broken'] } });
    await listed.start('a');
    expect(types(await listed.fail('a', 'broken', true))).toEqual(['NodeFailed', 'ExecutionFailed']);
  });

  it('waits at least as long as Retry-After says', async () => {
    const scenario = await one(retrying);
    await scenario.start('a');
    const error = { code: 'http_status', message: '503', retryable: true, retry_after_ms: 9000 };
    const events = await scenario.accepted({ type: 'FailNode', node: 'a', attempt: 1, runner: 'r1', error });
    expect(events[1]?.data).toMatchObject({ retry_at: scenario.now() + 9000 });
  });
});

describe('LoseAttempt', () => {
  it('gives the node to another runner, and refuses the late result', async () => {
    const scenario = await one();
    await scenario.start('a', 'r1');
    expect(types(await scenario.accepted({ type: 'LoseAttempt', node: 'a', attempt: 1, runner: 'r1', because: 'silent' }))).toEqual(['AttemptLost', 'NodeScheduled']);
    expect(await scenario.refused({ type: 'CompleteNode', node: 'a', attempt: 1, runner: 'r1', output: 1 })).toMatchObject({ reason: 'attempt_over' });
    await scenario.start('a', 'r2');
    expect(types(await scenario.complete('a', 2, 'r2'))).toEqual(['NodeCompleted', 'ExecutionCompleted']);
  });

  it('is refused when the attempt has ended', async () => {
    const scenario = await one(retrying);
    await scenario.start('a');
    await scenario.fail('a');
    expect(await scenario.refused({ type: 'LoseAttempt', node: 'a', attempt: 1, runner: 'r1', because: 'silent' })).toMatchObject({ reason: 'attempt_over' });
  });

  it('fails a node that loses five runners', async () => {
    const cursed = await one();
    for (let attempt = 1; attempt <= 5; attempt++) {
      await cursed.start('a');
      await cursed.accepted({ type: 'LoseAttempt', node: 'a', attempt, runner: 'r1', because: 'silent' });
    }
    expect(cursed.history.at(-1)).toMatchObject({ type: 'ExecutionFailed', data: { error_code: 'attempt_lost' } });
  });
});

describe('RemindNode', () => {
  it('causes no event while the attempt waits for a runner, and is refused once it started', async () => {
    const scenario = await one();
    expect(await scenario.accepted({ type: 'RemindNode', node: 'a', attempt: 1 })).toEqual([]);
    await scenario.start('a');
    expect(await scenario.refused({ type: 'RemindNode', node: 'a', attempt: 1 })).toMatchObject({ reason: 'attempt_taken' });
  });
});

describe('FireTimer', () => {
  it('ends a delay when it is due, not before', async () => {
    const scenario = await Scenario.of(chain(['wait', 'delay', { seconds: 5 }])).created();
    expect(scenario.history.at(-1)).toMatchObject({ type: 'NodeWaiting', data: { until: scenario.now() + 5000 } });
    const timer = { kind: 'delay', node: 'wait', attempt: 1 } as const;
    expect(await scenario.refused({ type: 'FireTimer', timer })).toMatchObject({ reason: 'timer_early' });
    scenario.clock += 5000;
    expect(types(await scenario.accepted({ type: 'FireTimer', timer }))).toEqual(['NodeCompleted', 'ExecutionCompleted']);
  });

  it('fails a delay whose time cannot be read', async () => {
    const scenario = await Scenario.of(chain(['wait', 'delay', { until: '{{ input.when }}' }])).created({ input: { when: 'soon' } });
    expect(scenario.history.at(-1)).toMatchObject({ type: 'ExecutionFailed', data: { error_code: 'expression_failed' } });
  });

  it('times a node out, which counts as a failed try', async () => {
    const scenario = await one({ timeout_ms: 60000, ...retrying });
    await scenario.start('a');
    const timer = { kind: 'node_timeout', node: 'a', attempt: 1 } as const;
    const events = await scenario.accepted({ type: 'FireTimer', timer });
    expect(types(events)).toEqual(['NodeFailed', 'NodeRetryScheduled']);
    expect(events[0]?.data).toMatchObject({ error: { code: 'timed_out', message: "The node ran longer than its limit of 60000 ms ('timeout_ms')" } });
    expect(await scenario.refused({ type: 'FireTimer', timer })).toMatchObject({ reason: 'timer_settled' });
  });

  it('times the execution out, without the time it was suspended', async () => {
    const scenario = await Scenario.of(chain(['ask', 'question', { prompt: 'ok?' }], ['a', 'code'])).created({ run_timeout_seconds: 10 });
    scenario.clock = 60_000;
    await scenario.accepted({ type: 'Respond', answer: 1, by: 'user:bob', roles: [] });
    scenario.clock = 65_000;
    expect(await scenario.refused({ type: 'FireTimer', timer: { kind: 'run_timeout' } })).toMatchObject({ reason: 'timer_early' });
    scenario.clock = 70_000;
    const events = await scenario.accepted({ type: 'FireTimer', timer: { kind: 'run_timeout' } });
    expect(types(events)).toEqual(['NodeStopped', 'ExecutionFailed']);
    expect(events.at(-1)?.data).toMatchObject({ error_code: 'timed_out' });
  });

  it('counts suspended time when the execution asks for it', async () => {
    const scenario = await Scenario.of(chain(['ask', 'question', { prompt: 'ok?' }])).created({ run_timeout_seconds: 10, timeout_includes_suspended: true });
    scenario.clock = 10_000;
    expect(types(await scenario.accepted({ type: 'FireTimer', timer: { kind: 'run_timeout' } })).at(-1)).toBe('ExecutionFailed');
  });
});

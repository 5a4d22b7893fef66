import { describe, expect, it } from '@jest/globals';
import type { InheritedEffect } from './commands.js';
import { idempotencyKeyOf } from './effects.js';
import type { Execution } from './execution.js';
import { chain, edge, executionId, node, Scenario, types } from './testing/scenario.js';

const retry = { max_attempts: 3, initial_ms: 1000, factor: 1, jitter: false };
const declaring = (rest: object, more: object = {}) => Scenario.of(chain(['pay', 'code', {}, { ...rest, ...more }], ['tell', 'code'])).created();
const classes = {
  'at most once': { effect: 'at_most_once' },
  'at least once that asks': { on_unknown: 'ask' },
  'keyed that asks': { effect: 'keyed', on_unknown: 'ask' },
  'at least once': { effect: 'at_least_once' },
  keyed: { effect: 'keyed' },
} as const;
const asking = Object.entries(classes).slice(0, 3);
const repeating = Object.entries(classes).slice(3);

const lost = (attempt = 1, runner = 'r1') => ({ type: 'LoseAttempt', node: 'pay', attempt, runner, because: 'its runner was silent for 10 s' }) as const;
const failedWith = (effect?: 'none' | 'unknown', attempt = 1) =>
  ({
    type: 'FailNode',
    node: 'pay',
    attempt,
    runner: 'r1',
    error: { code: 'http_unreachable', message: 'the connection was reset', retryable: true, ...(effect ? { effect } : {}) },
  }) as const;
const answer = (decision: 'done' | 'repeat' | 'fail' | 'approve', rest: object = {}) => ({ type: 'Respond', decision, by: 'user:bob', roles: [], ...rest }) as const;
const source = '01890a5d-ac96-7b6e-8000-0000000000f1';
const inherits = (receipt?: InheritedEffect['receipt']): InheritedEffect => ({
  node: 'pay',
  key: `${source}:pay`,
  from: { execution_id: source, version: 9 },
  ...(receipt ? { receipt } : {}),
});

describe('a node that declares no effect', () => {
  it('has no events but its start and its completion', async () => {
    const scenario = await Scenario.of(chain(['pay', 'http', { method: 'POST', url: 'http://x' }])).created();
    expect(types(await scenario.start('pay'))).toEqual(['NodeStarted']);
    expect(types(await scenario.complete('pay'))).toEqual(['NodeCompleted', 'ExecutionCompleted']);
  });
});

describe.each(Object.entries(classes))('a node of the class %s', (_, rest) => {
  it('has its intent recorded with its start, and its receipt with its completion', async () => {
    const scenario = await declaring(rest);
    const started = await scenario.start('pay');
    expect(types(started)).toEqual(['NodeStarted', 'EffectIntended']);
    expect(started[1]?.data).toEqual({ node_id: 'pay', attempt: 1, key: `${executionId}:pay` });
    const completed = await scenario.complete('pay', { paid: true });
    expect(types(completed)).toEqual(['EffectRecorded', 'NodeCompleted', 'NodeScheduled']);
    expect(completed[0]?.data).toEqual({ node_id: 'pay', attempt: 1, key: `${executionId}:pay` });
  });

  it('has its receipt kept when it comes behind the fence of a cancel', async () => {
    const scenario = await declaring(rest);
    await scenario.start('pay');
    await scenario.accepted({ type: 'CancelExecution', by: 'user:ann' });
    const events = await scenario.complete('pay', { paid: true });
    expect(types(events)).toEqual(['EffectRecorded', 'NodeStopped', 'ExecutionCancelled']);
    expect(events[0]?.data).toMatchObject({ receipt: { paid: true } });
    expect(events[1]?.data).toMatchObject({ outcome: 'finished' });
  });

  it('returns a receipt of the execution that it retries or replays', async () => {
    const scenario = Scenario.of(chain(['pay', 'code', {}, rest], ['tell', 'code']));
    const events = await scenario.accepted({ type: 'CreateExecution', created: { ...created, retry_of: source } as never, inherited: [inherits({ output: { paid: true } })] });
    expect(types(events)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'EffectRecorded', 'NodeCompleted', 'NodeScheduled']);
    expect(events[4]?.data).toEqual({ node_id: 'pay', attempt: 0, output: { paid: true }, inline: true, returned_from: { execution_id: source, version: 9 } });
    expect(scenario.execution?.outputs.get('pay')).toEqual({ paid: true });
    expect(scenario.execution?.effects.get('pay')?.receipt).toBeUndefined();
  });

  it('takes what it inherits over once, however often it is told', async () => {
    const scenario = Scenario.of(chain(['before', 'code'], ['pay', 'code', {}, rest]));
    const create = { type: 'CreateExecution', id: 'create', created: { ...created, retry_of: source } as never, inherited: [inherits({ output: 1 })] } as const;
    await scenario.accepted(create);
    expect(await scenario.accepted(create)).toEqual([]);
    expect(await scenario.accepted({ type: 'ReleaseExecution', inherited: [inherits({ output: 1 })] })).toEqual([]);
    await scenario.start('before');
    expect(types(await scenario.complete('before'))).toEqual(['NodeCompleted', 'NodeCompleted', 'ExecutionCompleted']);
    expect(await scenario.accepted(create)).toEqual([]);
  });

  it('takes it over when it is released, where it was held', async () => {
    const scenario = Scenario.of(chain(['pay', 'code', {}, rest]));
    await scenario.accepted({ type: 'CreateExecution', created: { ...created, retry_of: source } as never, held: true });
    const events = await scenario.accepted({ type: 'ReleaseExecution', inherited: [inherits({ output: 1 })] });
    expect(types(events)).toEqual(['ExecutionQueued', 'ExecutionStarted', 'EffectRecorded', 'NodeCompleted', 'ExecutionCompleted']);
  });
});

describe.each(repeating)('the unknown outcome of a node of the class %s', (_, rest) => {
  it('is repeated under the same key after its runner was lost', async () => {
    const scenario = await declaring(rest);
    await scenario.start('pay');
    expect(types(await scenario.accepted(lost()))).toEqual(['AttemptLost', 'NodeScheduled']);
    expect((await scenario.start('pay', 'r2'))[1]).toMatchObject({ type: 'EffectIntended', data: { attempt: 2, key: `${executionId}:pay` } });
  });

  it('is tried again as its retry policy says when the runner cannot tell', async () => {
    const scenario = await declaring(rest, { retry });
    await scenario.start('pay');
    expect(types(await scenario.accepted(failedWith('unknown')))).toEqual(['NodeFailed', 'NodeRetryScheduled']);
  });

  it('is settled by a late receipt until another attempt has begun', async () => {
    const scenario = await declaring(rest);
    await scenario.start('pay');
    await scenario.accepted(lost());
    expect(types(await scenario.accepted({ type: 'CompleteNode', node: 'pay', attempt: 1, runner: 'r1', output: 7 }))).toEqual([
      'EffectRecorded',
      'NodeCompleted',
      'NodeScheduled',
    ]);
    expect(scenario.execution?.outputs.get('pay')).toBe(7);
    expect(await scenario.refused({ type: 'StartNode', node: 'pay', attempt: 2, runner: 'r2' })).toMatchObject({ reason: 'attempt_taken' });
    const begun = await declaring(rest);
    await begun.start('pay');
    await begun.accepted(lost());
    await begun.start('pay', 'r2');
    expect(await begun.refused({ type: 'CompleteNode', node: 'pay', attempt: 1, runner: 'r1', output: 7 })).toMatchObject({ reason: 'attempt_over' });
  });

  it('goes on under the key of the execution in which it began', async () => {
    const scenario = Scenario.of(chain(['pay', 'code', {}, rest]));
    const events = await scenario.accepted({ type: 'CreateExecution', created: { ...created, retry_of: source } as never, inherited: [inherits()] });
    expect(types(events).slice(3)).toEqual(['EffectIntended', 'NodeScheduled']);
    expect(idempotencyKeyOf(scenario.execution as Execution, 'pay')).toBe(`${source}:pay`);
    expect((await scenario.start('pay'))[1]?.data).toMatchObject({ key: `${source}:pay` });
  });
});

describe.each(asking)('the unknown outcome of a node of the class %s', (_, rest) => {
  const parked = async (more: object = {}) => {
    const scenario = await declaring(rest, more);
    await scenario.start('pay');
    await scenario.accepted(lost());
    return scenario;
  };

  it('is asked for at a gate when its runner is lost; the execution is suspended', async () => {
    const scenario = await declaring(rest);
    await scenario.start('pay');
    const events = await scenario.accepted(lost());
    expect(types(events)).toEqual(['AttemptLost', 'EffectUnknown', 'ExecutionSuspended']);
    expect(events[1]?.data).toMatchObject({ node_id: 'pay', attempt: 1, gate_id: 'pay.1', key: `${executionId}:pay`, prompt: expect.stringContaining('silent for 10 s') });
    expect(events[2]?.data).toEqual({ status: 'suspended', reason: 'effect_unknown' });
    expect(scenario.execution?.gates.get('pay.1')).toMatchObject({ kind: 'effect', rules: { expires_at: null, approvers: null } });
  });

  it('is asked for when the runner cannot tell, whatever the retry policy says', async () => {
    const scenario = await declaring(rest, { retry });
    await scenario.start('pay');
    expect(types(await scenario.accepted(failedWith('unknown')))).toEqual(['NodeFailed', 'EffectUnknown', 'ExecutionSuspended']);
  });

  it('is asked for when the node ran into its time-out', async () => {
    const scenario = await declaring(rest, { timeout_ms: 60_000, retry });
    await scenario.start('pay');
    const events = await scenario.accepted({ type: 'FireTimer', timer: { kind: 'node_timeout', node: 'pay', attempt: 1 } });
    expect(types(events)).toEqual(['NodeFailed', 'EffectUnknown', 'ExecutionSuspended']);
    expect(types(await scenario.accepted({ type: 'CompleteNode', node: 'pay', attempt: 1, runner: 'r1', output: 7 }))).toContain('NodeCompleted');
  });

  it('suspends the execution only when nothing else can go on', async () => {
    const scenario = await Scenario.of({
      nodes: [node('pay', 'code', {}, rest), node('b', 'code')],
      edges: [edge('start_of_workflow', 'pay'), edge('start_of_workflow', 'b')],
    }).created();
    await scenario.start('pay');
    await scenario.start('b');
    expect(types(await scenario.accepted(lost()))).toEqual(['AttemptLost', 'EffectUnknown']);
    expect(types(await scenario.complete('b'))).toEqual(['NodeCompleted', 'ExecutionSuspended']);
  });

  it('done completes the node with the receipt that the answer gives', async () => {
    const scenario = await parked();
    const events = await scenario.accepted(answer('done', { answer: { paid: 5 } }));
    expect(types(events)).toEqual(['ResponseReceived', 'ExecutionResumed', 'EffectRecorded', 'NodeCompleted', 'NodeScheduled']);
    expect(scenario.execution?.outputs.get('pay')).toEqual({ paid: 5 });
    expect(scenario.execution?.gatesOpen).toBe(0);
  });

  it('done needs the receipt, which may be null', async () => {
    const scenario = await parked();
    expect(await scenario.refused(answer('done'))).toMatchObject({ rejected: 'InvalidArgument', errors: [{ pointer: '/answer', detail: expect.stringContaining('receipt') }] });
    expect(scenario.status()).toBe('suspended');
    expect(types(await scenario.accepted(answer('done', { answer: null })))).toContain('NodeCompleted');
  });

  it('repeat runs the node once more under the same key, and asks again when that is lost too', async () => {
    const scenario = await parked();
    expect(types(await scenario.accepted(answer('repeat')))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeScheduled']);
    expect(scenario.attempt('pay')).toBe(2);
    expect((await scenario.start('pay', 'r2'))[1]?.data).toMatchObject({ key: `${executionId}:pay`, attempt: 2 });
    expect(types(await scenario.accepted(lost(2, 'r2')))).toEqual(['AttemptLost', 'EffectUnknown', 'ExecutionSuspended']);
    expect(types(await scenario.accepted(answer('done', { gate: 'pay.2', answer: 1 })))).toContain('NodeCompleted');
    const late = { reason: 'gate_decided', state: { accepted: { gate_id: 'pay.2', decision: 'done' } } };
    expect(await scenario.refused(answer('fail'))).toMatchObject(late);
  });

  it('fail fails the node and the execution', async () => {
    const scenario = await parked();
    const events = await scenario.accepted(answer('fail', { comment: 'the bank says no' }));
    expect(types(events)).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeFailed', 'ExecutionFailed']);
    expect(events.at(-1)?.data).toMatchObject({ error_code: 'effect_unknown', error: expect.stringContaining('the bank says no') });
  });

  it('refuses a decision of another kind of gate, and says which are expected', async () => {
    const scenario = await parked();
    for (const wrong of [answer('approve'), { ...answer('done'), decision: undefined }])
      expect(await scenario.refused(wrong as never)).toMatchObject({
        rejected: 'InvalidArgument',
        errors: [{ pointer: '/decision', detail: "expected 'done', 'repeat' or 'fail': the gate is an effect" }],
      });
  });

  it('has one winner: a second answer is told which was taken', async () => {
    const scenario = await parked();
    await scenario.accepted(answer('done', { answer: 1 }));
    expect(await scenario.refused(answer('fail', { gate: 'pay.1' }))).toMatchObject({ reason: 'gate_decided', state: { accepted: { decision: 'done', by: 'user:bob' } } });
  });

  it('is settled by a late receipt of the runner that was given up, and by no other', async () => {
    const scenario = await parked();
    const receipt = { type: 'CompleteNode', node: 'pay', attempt: 1, runner: 'r1', output: 7 } as const;
    expect(await scenario.refused({ ...receipt, runner: 'r2' })).toMatchObject({ reason: 'attempt_over' });
    expect(types(await scenario.accepted(receipt))).toEqual(['EffectRecorded', 'ExecutionResumed', 'NodeCompleted', 'NodeScheduled']);
    expect(await scenario.refused(answer('fail', { gate: 'pay.1' }))).toMatchObject({
      reason: 'gate_decided',
      state: { accepted: { decision: 'done', by: 'system:late_receipt' } },
    });
  });

  it('is unknown in the receipt of a cancel, which takes effect at once', async () => {
    const scenario = await parked();
    const events = await scenario.accepted({ type: 'CancelExecution', by: 'user:ann' });
    expect(types(events)).toEqual(['CancelRequested', 'NodeStopped', 'ExecutionCancelled']);
    expect(events[1]?.data).toMatchObject({ outcome: 'unknown', acknowledged: false });
    expect(events[2]?.data).toMatchObject({ unacknowledged: ['pay'] });
    expect(await scenario.refused(answer('repeat', { gate: 'pay.1' }))).toMatchObject({ rejected: 'InvalidState' });
  });

  it('is asked for again by the execution that retries or replays it', async () => {
    const scenario = Scenario.of(chain(['pay', 'code', {}, rest]));
    const events = await scenario.accepted({ type: 'CreateExecution', created: { ...created, retry_of: source } as never, inherited: [inherits()] });
    expect(types(events).slice(3)).toEqual(['EffectIntended', 'EffectUnknown', 'ExecutionSuspended']);
    expect(events[4]?.data).toMatchObject({ gate_id: 'pay.0', attempt: 0, key: `${source}:pay` });
    expect(types(await scenario.accepted(answer('repeat')))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeScheduled']);
    expect((await scenario.start('pay'))[1]?.data).toMatchObject({ attempt: 1, key: `${source}:pay` });
  });
});

describe('at most once', () => {
  it('is not tried again once it had begun, and fails for good where the failure is known', async () => {
    const scenario = await declaring({ effect: 'at_most_once' }, { retry });
    await scenario.start('pay');
    expect(types(await scenario.accepted(failedWith()))).toEqual(['NodeFailed', 'ExecutionFailed']);
  });

  it('is tried again where the runner knows that it had not begun', async () => {
    const scenario = await declaring({ effect: 'at_most_once' }, { retry });
    await scenario.start('pay');
    expect(types(await scenario.accepted(failedWith('none')))).toEqual(['NodeFailed', 'NodeRetryScheduled']);
  });

  it('asks even where the definition says repeat: the class wins', async () => {
    const scenario = await declaring({ effect: 'at_most_once', on_unknown: 'repeat' });
    await scenario.start('pay');
    expect(types(await scenario.accepted(lost()))).toContain('EffectUnknown');
  });
});

describe('a question', () => {
  it('overlooks an approving decision and refuses one that belongs to an effect', async () => {
    const asked = () => Scenario.of(chain(['ask', 'question', { prompt: 'why?' }])).created();
    expect(await (await asked()).refused(answer('repeat', { answer: 1 }))).toMatchObject({ errors: [{ pointer: '/decision' }] });
    expect(types(await (await asked()).accepted(answer('approve', { answer: 1 })))).toContain('ExecutionCompleted');
  });
});

const created = {
  workflow_id: 'w1',
  workflow_version_id: 'version-1',
  created_by: 'user:ann',
  trigger: { kind: 'retry', id: source },
  key: 'w_1',
  name: 'W 1',
  input: {},
  metadata: {},
  tags: [],
  queue_name: null,
  priority: 0,
  run_timeout_seconds: null,
  cancel_grace_seconds: 10,
  retry_of: null,
  replay_of: null,
  retry_count: 1,
};

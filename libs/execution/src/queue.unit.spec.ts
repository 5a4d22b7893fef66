import { describe, expect, it } from '@jest/globals';
import type { RecordedEvent } from './events.js';
import { foldStanding, type QueueStanding } from './queue-standing.js';
import { chain, Scenario, types } from './testing/scenario.js';

const inQueue = { queue_name: 'mail', concurrency_key: 'ann', priority: 5, queue_ttl_seconds: 60 };
const work = chain(['a', 'code']);
const asking = chain(['ask', 'approval', { prompt: '?', expires_in_seconds: 30, on_expiry: 'approve' }], ['a', 'code']);
const admitted = async (definition = work) => {
  const scenario = await Scenario.of(definition).created(inQueue);
  await scenario.accepted({ type: 'AdmitExecution', ticket: 2 });
  return scenario;
};
const approve = { type: 'Respond', decision: 'approve', by: 'user:bob', roles: ['editor'] } as const;

/** What the scheduler makes of it. */
const standing = ({ history }: Scenario): QueueStanding | null =>
  history.reduce<QueueStanding | null>((before, event) => foldStanding(before, event as unknown as RecordedEvent), null);

describe('CreateExecution in a queue', () => {
  it('waits in the queue with what the queue goes by', async () => {
    const scenario = await Scenario.of(work).created(inQueue);
    expect(types(scenario.history)).toEqual(['ExecutionCreated', 'ExecutionQueued']);
    expect(scenario.history[1]?.data).toEqual({ queue_name: 'mail', concurrency_key: 'ann', priority: 5, ttl_seconds: 60 });
    expect(scenario.status()).toBe('queued');
    expect(standing(scenario)).toMatchObject({ queue: 'mail', key: 'ann', priority: 5, ttlSeconds: 60, state: 'waiting', ticket: 2, again: false });
  });

  it('begins at once without one', async () => {
    const scenario = await Scenario.of(work).created();
    expect(types(scenario.history)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeScheduled']);
    expect(standing(scenario)).toBeNull();
  });

  it('fails with admission_failed where it is known that it cannot be admitted', async () => {
    const scenario = await Scenario.of(work).created({ ...inQueue, admission_error: 'its concurrency key has no value' });
    expect(types(scenario.history)).toEqual(['ExecutionCreated', 'ExecutionFailed']);
    expect(scenario.history[1]?.data).toMatchObject({ error_code: 'admission_failed' });
  });

  it('stays pending while what it supersedes is alive, and is queued then', async () => {
    const scenario = Scenario.of(work);
    await scenario.accepted({ type: 'CreateExecution', created: { ...(await Scenario.of(work).created(inQueue)).execution?.created } as never, held: true });
    expect(scenario.status()).toBe('pending');
    expect(types(await scenario.accepted({ type: 'ReleaseExecution' }))).toEqual(['ExecutionQueued']);
  });
});

describe('AdmitExecution', () => {
  it('starts the execution that waits', async () => {
    const scenario = await Scenario.of(work).created(inQueue);
    expect(types(await scenario.accepted({ type: 'AdmitExecution', ticket: 2 }))).toEqual(['ExecutionStarted', 'NodeScheduled']);
    expect(standing(scenario)).toMatchObject({ state: 'held', ticket: 2 });
  });

  it('changes nothing the second time', async () => {
    const scenario = await admitted();
    expect(await scenario.accepted({ type: 'AdmitExecution', ticket: 2 })).toEqual([]);
  });

  it('is refused with the ticket of another time, after a cancel and after the end', async () => {
    const scenario = await admitted(asking);
    expect(await scenario.refused({ type: 'AdmitExecution', ticket: 2 })).toMatchObject({ reason: 'ticket_void' });
    await scenario.accepted(approve);
    expect(await scenario.refused({ type: 'AdmitExecution', ticket: 2 })).toMatchObject({ reason: 'ticket_void' });
    const cancelled = await admitted();
    await cancelled.start('a');
    await cancelled.accepted({ type: 'CancelExecution', by: 'user:ann' });
    expect(await cancelled.refused({ type: 'AdmitExecution', ticket: 2 })).toMatchObject({ reason: 'cancel_requested' });
    const ended = await admitted();
    await ended.start('a');
    await ended.complete('a');
    expect(await ended.refused({ type: 'AdmitExecution', ticket: 2 })).toMatchObject({ reason: 'execution_ended' });
    expect(standing(ended)).toMatchObject({ state: 'gone' });
  });
});

describe('an execution in a queue that is suspended', () => {
  it('gives its slot back, and asks for one when it can go on', async () => {
    const scenario = await admitted(asking);
    expect(scenario.status()).toBe('awaiting_approval');
    expect(standing(scenario)).toMatchObject({ state: 'resting' });
    expect(types(await scenario.accepted(approve))).toEqual(['ResponseReceived', 'NodeCompleted', 'ExecutionSuspended']);
    expect(scenario.history.at(-1)?.data).toEqual({ status: 'suspended', reason: 'slot' });
    expect(standing(scenario)).toMatchObject({ state: 'waiting', again: true, ticket: scenario.execution?.version });
  });

  it('goes on once it is admitted again; the time until then was spent suspended', async () => {
    const scenario = await admitted(asking);
    scenario.clock = 1_000;
    await scenario.accepted(approve);
    scenario.clock = 4_000;
    expect(types(await scenario.accepted({ type: 'AdmitExecution', ticket: scenario.execution?.version ?? 0 }))).toEqual(['ExecutionResumed', 'NodeScheduled']);
    expect(scenario.execution).toMatchObject({ status: 'running', suspendedMs: 4_000, activeMs: 0 });
  });

  it('asks after a gate that expired, too', async () => {
    const scenario = await admitted(asking);
    scenario.clock = 30_000;
    await scenario.accepted({ type: 'FireTimer', timer: { kind: 'gate_expiry', gate: 'ask.1' } });
    expect(scenario.history.at(-1)).toMatchObject({ type: 'ExecutionSuspended', data: { reason: 'slot' } });
  });

  it('needs no slot to be rejected or cancelled', async () => {
    const rejected = await admitted(asking);
    expect(types(await rejected.accepted({ ...approve, decision: 'reject' }))).toEqual(['ResponseReceived', 'NodeCompleted', 'ExecutionRejected']);
    const cancelled = await admitted(asking);
    await cancelled.accepted(approve);
    expect(types(await cancelled.accepted({ type: 'CancelExecution', by: 'user:ann' }))).toEqual(['CancelRequested', 'ExecutionCancelled']);
    expect(standing(cancelled)).toMatchObject({ state: 'gone' });
  });
});

describe('CancelExecution of a queued execution', () => {
  it('ends it at once', async () => {
    const scenario = await Scenario.of(work).created(inQueue);
    expect(types(await scenario.accepted({ type: 'CancelExecution', by: 'system:cancel_newest' }))).toEqual(['CancelRequested', 'ExecutionCancelled']);
  });
});

describe('ExpireInQueue', () => {
  const expire = { type: 'ExpireInQueue', ticket: 2, ttlSeconds: 60 } as const;

  it('fails the execution that has waited too long', async () => {
    const scenario = await Scenario.of(work).created(inQueue);
    expect(await scenario.refused(expire)).toMatchObject({ reason: 'timer_early' });
    scenario.clock = 60_000;
    expect((await scenario.accepted(expire)).at(-1)).toMatchObject({ type: 'ExecutionFailed', data: { error_code: 'expired_in_queue' } });
  });

  it('is refused once the execution was admitted, also while it waits for the next time', async () => {
    const scenario = await admitted(asking);
    await scenario.accepted(approve);
    scenario.clock = 900_000;
    expect(await scenario.refused({ ...expire, ticket: scenario.execution?.version ?? 0 })).toMatchObject({ reason: 'timer_settled' });
  });
});

describe('FailAdmission', () => {
  it('fails the execution that cannot be admitted, with what waits in it', async () => {
    const scenario = await Scenario.of(work).created(inQueue);
    expect((await scenario.accepted({ type: 'FailAdmission', ticket: 2, because: 'deciding failed' })).at(-1)).toMatchObject({ data: { error_code: 'admission_failed' } });
    const held = await admitted();
    expect(await held.refused({ type: 'FailAdmission', ticket: 2, because: 'deciding failed' })).toMatchObject({ reason: 'admitted' });
  });
});

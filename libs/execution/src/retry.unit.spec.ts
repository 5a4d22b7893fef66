import { describe, expect, it } from '@jest/globals';
import type { CreatedData } from './commands.js';
import type { EventOf, ExecutionEvent } from './events.js';
import { fromSnapshot, toSnapshot } from './snapshot.js';
import { successorId, successorOf } from './successor.js';
import { chain, executionId, Scenario, types } from './testing/scenario.js';

const naming = { hashid: 'fghij', key: 'w_2', name: 'W 2', run_number: 2 };
const retry = { type: 'RetryExecution', by: 'user:bob', ended: null, naming } as const;
const supersededIn = (events: readonly ExecutionEvent[]) => events.find((event): event is EventOf<'ExecutionSuperseded'> => event.type === 'ExecutionSuperseded')?.data;
const one = () => Scenario.of(chain(['a', 'code'])).created();

describe('RetryExecution', () => {
  it('names the next execution of one that has ended, whatever the end was', async () => {
    const completed = await one();
    await completed.start('a');
    await completed.complete('a');
    expect(types(await completed.accepted(retry))).toEqual(['ExecutionSuperseded']);
    const failed = await one();
    await failed.start('a');
    await failed.fail('a');
    const events = await failed.accepted({ ...retry, reason: 'again' });
    expect(events).toMatchObject([{ type: 'ExecutionSuperseded', data: { number: 1, ended: true, asked_by: 'user:bob', reason: 'again', ...naming } }]);
    expect(failed.status()).toBe('failed');
  });

  it('cancels one that is alive, because it is superseded', async () => {
    const scenario = await one();
    const events = await scenario.accepted(retry);
    expect(types(events)).toEqual(['ExecutionSuperseded', 'CancelRequested', 'NodeStopped', 'ExecutionCancelled']);
    expect(events.at(-1)).toMatchObject({ data: { by: 'system:superseded', reason: 'superseded' } });
  });

  it('waits for the nodes of the old one that run', async () => {
    const scenario = await one();
    await scenario.start('a');
    expect(types(await scenario.accepted(retry))).toEqual(['ExecutionSuperseded', 'CancelRequested']);
    expect(scenario.status()).toBe('running');
    expect(types(await scenario.accepted({ type: 'StopNode', node: 'a', attempt: 1, runner: 'r1' }))).toContain('ExecutionCancelled');
  });

  it('leaves a cancel that was asked for before as it is', async () => {
    const scenario = await one();
    await scenario.start('a');
    await scenario.accepted({ type: 'CancelExecution', by: 'user:ann', reason: 'enough' });
    expect(types(await scenario.accepted(retry))).toEqual(['ExecutionSuperseded']);
    const end = await scenario.accepted({ type: 'StopNode', node: 'a', attempt: 1, runner: 'r1' });
    expect(end.at(-1)).toMatchObject({ type: 'ExecutionCancelled', data: { by: 'user:ann', reason: 'enough' } });
  });

  it('changes nothing while the first successor is alive', async () => {
    const scenario = await one();
    await scenario.accepted(retry);
    expect(await scenario.accepted(retry)).toEqual([]);
    expect(await scenario.accepted({ ...retry, ended: 'some-other' })).toEqual([]);
  });

  it('names another one once that has ended', async () => {
    const scenario = await one();
    const first = supersededIn(await scenario.accepted(retry));
    const second = supersededIn(await scenario.accepted({ ...retry, ended: first?.by ?? '' }));
    expect(second).toMatchObject({ number: 2 });
    expect(second?.by).not.toBe(first?.by);
  });

  it('is refused of an execution that still waits for its own predecessor', async () => {
    const scenario = Scenario.of(chain(['a', 'code']));
    await scenario.accepted({ type: 'CreateExecution', created: { retry_of: 'e0', cancel_grace_seconds: 10 } as CreatedData, held: true });
    expect(await scenario.refused(retry)).toMatchObject({ rejected: 'InvalidState', reason: 'never_admitted' });
    await scenario.accepted({ type: 'CancelExecution', by: 'user:ann' });
    expect(scenario.status()).toBe('cancelled');
    expect(await scenario.refused(retry)).toMatchObject({ reason: 'never_admitted' });
  });

  it('survives a snapshot of the ended execution', async () => {
    const scenario = await one();
    await scenario.accepted(retry);
    scenario.execution = fromSnapshot(JSON.parse(JSON.stringify(toSnapshot(scenario.execution as never))));
    expect(await scenario.accepted(retry)).toEqual([]);
  });
});

describe('the successor', () => {
  it('has a UUIDv7 of the time that it was asked for, derived from source and number', () => {
    const at = Date.UTC(2026, 5, 1);
    const id = successorId(executionId, 1, at);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toBe(at);
    expect(successorId(executionId, 1, at)).toBe(id);
    expect(successorId(executionId, 2, at)).not.toBe(id);
  });

  it('clones input, version, metadata, tags and scope', async () => {
    const source = (await one()).execution?.created as CreatedData;
    const given = { ...source, input: { x: 1 }, metadata: { m: 1 }, tags: ['t'], session_id: 's', batch_id: 'b', retry_count: 3 };
    const data = { by: 'e2', number: 1, ended: true, asked_by: 'user:bob', reason: null, ...naming };
    expect(successorOf(executionId, given, data)).toEqual({
      ...given,
      ...naming,
      created_by: 'user:bob',
      trigger: { kind: 'retry', id: executionId },
      batch_id: null,
      retry_of: executionId,
      replay_of: null,
      retry_count: 4,
    });
  });

  it('is pending until it is released, then begins', async () => {
    const scenario = Scenario.of(chain(['a', 'code']));
    const created = (await one()).execution?.created as CreatedData;
    expect(types(await scenario.accepted({ type: 'CreateExecution', created, held: true }))).toEqual(['ExecutionCreated']);
    expect(scenario.status()).toBe('pending');
    expect(types(await scenario.accepted({ type: 'ReleaseExecution' }))).toEqual(['ExecutionQueued', 'ExecutionStarted', 'NodeScheduled']);
    expect(await scenario.accepted({ type: 'ReleaseExecution' })).toEqual([]);
  });

  it('that was cancelled while pending does not begin', async () => {
    const scenario = Scenario.of(chain(['a', 'code']));
    const created = (await one()).execution?.created as CreatedData;
    await scenario.accepted({ type: 'CreateExecution', created, held: true });
    expect(types(await scenario.accepted({ type: 'CancelExecution', by: 'user:ann' }))).toEqual(['CancelRequested', 'ExecutionCancelled']);
    expect(await scenario.accepted({ type: 'ReleaseExecution' })).toEqual([]);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { PinnedAgent } from '@runlog/workflow';
import type { CallGate, CallIntent, CallRecord, TokensUse } from './agent-calls.js';
import type { Execution } from './execution.js';
import type { Json } from './ids.js';
import { journalOf } from './journal.js';
import { fromSnapshot, toSnapshot } from './snapshot.js';
import { chain, Scenario, types } from './testing/scenario.js';

const pinned = (limits: PinnedAgent['limits'] = {}): PinnedAgent =>
  ({ key: 'a', name: 'A', model: { provider: 'openai', name: 'gpt' }, tools: [], guardrails: [], limits, agent_id: 'a1', agent_version_id: 'av1', version: 1 }) as PinnedAgent;
const agent = (rest: object = {}) => chain(['think', 'agent', { agent: 'a' }, rest]);

/** An agent whose first attempt runs on r1. */
const begun = async (created: Record<string, unknown> = {}, rest: object = {}, limits: PinnedAgent['limits'] = {}) => {
  const scenario = await Scenario.of(agent(rest), { think: pinned(limits) }).created(created);
  await scenario.start('think');
  return scenario;
};

const model = (key: string, reserve: string | null = null): CallIntent => ({ key, kind: 'model', name: 'gpt', reserve_nano_usd: reserve });
const tool = (key: string): CallIntent => ({ key, kind: 'tool', name: 'search', reserve_nano_usd: null, arguments_sha256: 'abc' });
const used = (cost: string | null): TokensUse => ({
  provider: 'openai',
  model: 'gpt',
  tokens: { input: 10, cache_read: 0, cache_write: 0, output: 5, reasoning: 0 },
  cost_nano_usd: cost,
  price: 'list',
});
const record = (key: string, rest: Partial<CallRecord> = {}): CallRecord => ({ key, receipt: `${key} said`, ...rest });
const about = (nth: number, attempt = 1, runner = 'r1') => ({ node: 'think', attempt, runner, nth, id: `step:${attempt}:${runner}:${nth}` }) as const;
const step = (nth: number, records: readonly CallRecord[], begins: readonly CallIntent[], attempt = 1, runner = 'r1') =>
  ({ type: 'TakeStep', ...about(nth, attempt, runner), records, begins }) as const;
const asks = (key: string, rules: object = {}, kind: CallGate['kind'] = 'approval'): CallGate => ({ key, kind, name: 'search', rules: { prompt: 'May it?', ...rules } });
const park = (nth: number, gates: readonly CallGate[], records: readonly CallRecord[] = []) => ({ type: 'ParkNode', ...about(nth), records, asks: gates }) as const;
const respond = (gate: string, decision?: string, rest: object = {}) => ({ type: 'Respond', gate, ...(decision ? { decision } : {}), by: 'user:bob', roles: [], ...rest }) as never;
const lose = (attempt = 1, runner = 'r1') => ({ type: 'LoseAttempt', node: 'think', attempt, runner, because: 'silent' }) as const;
const journal = (scenario: Scenario) => (scenario.execution ? journalOf(scenario.execution, 'think') : undefined);
const account = (scenario: Scenario) => scenario.execution?.account;

describe('TakeStep', () => {
  it('has the intent of each call recorded before it begins, and its receipt after', async () => {
    const scenario = await begun();
    const first = await scenario.accepted(step(1, [], [model('m1')]));
    expect(types(first)).toEqual(['EffectIntended']);
    expect(first[0]?.data).toEqual({ node_id: 'think', attempt: 1, key: 'm1', call: { kind: 'model', name: 'gpt' } });
    const second = await scenario.accepted(step(2, [record('m1', { used: used('700') })], [tool('m1.t1'), tool('m1.t2')]));
    expect(types(second)).toEqual(['TokensUsed', 'EffectRecorded', 'EffectIntended', 'EffectIntended']);
    expect(second[0]?.data).toMatchObject({ node_id: 'think', attempt: 1, key: 'm1', provider: 'openai', cost_nano_usd: '700' });
    expect(second[1]?.data).toEqual({ node_id: 'think', attempt: 1, key: 'm1', receipt: 'm1 said', call: { kind: 'model', name: 'gpt' } });
    expect(second[2]?.data).toMatchObject({ key: 'm1.t1', call: { kind: 'tool', name: 'search', arguments_sha256: 'abc' } });
    expect(scenario.refusedStep).toBeUndefined();
  });

  it('is taken once, however often it is sent', async () => {
    const scenario = await begun();
    const one = step(1, [record('session')], [model('m1')]);
    expect(types(await scenario.accepted(one))).toEqual(['EffectRecorded', 'EffectIntended']);
    expect(await scenario.accepted(one)).toEqual([]);
    expect(scenario.refusedStep).toBeUndefined();
    await scenario.accepted(step(2, [record('m1')], []));
    expect(await scenario.accepted(one)).toEqual([]);
    expect(scenario.refusedStep).toBeUndefined();
  });

  it('never has a call begun again that has its receipt, nor one that is under way', async () => {
    const scenario = await begun();
    await scenario.accepted(step(1, [], [model('m1')]));
    await scenario.accepted(step(2, [], [model('m1')]));
    expect(scenario.refusedStep?.reason).toBe('call_begun');
    await scenario.accepted(step(3, [record('m1')], [model('m1')]));
    expect(scenario.refusedStep?.reason).toBe('call_recorded');
  });

  it('keeps the first receipt of a call', async () => {
    const scenario = await begun();
    await scenario.accepted(step(1, [], [model('m1')]));
    await scenario.accepted(step(2, [record('m1')], []));
    expect(await scenario.accepted(step(3, [record('m1', { receipt: 'another' })], []))).toEqual([]);
    expect(journal(scenario)).toMatchObject([{ key: 'm1', standing: 'recorded', receipt: 'm1 said' }]);
  });

  it('is refused once the attempt is over, or another runner has it', async () => {
    const scenario = await begun();
    expect((await scenario.refused(step(1, [], [model('m1')], 1, 'r2'))).reason).toBe('attempt_over');
    await scenario.accepted(lose());
    expect((await scenario.refused(step(1, [record('m1')], []))).reason).toBe('attempt_over');
  });

  it('behind the fence of a cancel is told, and begins nothing', async () => {
    const scenario = await begun();
    await scenario.accepted(step(1, [], [model('m1')]));
    await scenario.accepted({ type: 'CancelExecution', by: 'user:ann' });
    const events = await scenario.accepted(step(2, [record('m1', { used: used('700') })], [tool('m1.t1')]));
    expect(types(events)).toEqual(['TokensUsed', 'EffectRecorded']);
    expect(scenario.refusedStep?.reason).toBe('cancel_requested');
    expect(types(await scenario.accepted({ type: 'StopNode', node: 'think', attempt: 1, runner: 'r1' }))).toEqual(['NodeStopped', 'ExecutionCancelled']);
    expect(account(scenario)?.spent).toBe('700');
  });
});

describe('the end of an agent', () => {
  it('brings the records of its last calls', async () => {
    const scenario = await begun();
    await scenario.accepted(step(1, [], [model('m1')]));
    const complete = { type: 'CompleteNode', node: 'think', attempt: 1, runner: 'r1', output: { response: 'hi' }, records: [record('m1', { used: used('9') })] } as const;
    expect(types(await scenario.accepted(complete))).toEqual(['TokensUsed', 'EffectRecorded', 'NodeCompleted', 'ExecutionCompleted']);
    expect(scenario.execution?.journals.size).toBe(0);
    expect(scenario.execution?.receipts.size).toBe(0);
  });

  it('that stops it brings them, too', async () => {
    const scenario = await begun();
    await scenario.accepted(step(1, [], [model('m1')]));
    await scenario.accepted({ type: 'CancelExecution', by: 'user:ann' });
    const stop = { type: 'StopNode', node: 'think', attempt: 1, runner: 'r1', records: [record('m1', { used: used('9') })] } as const;
    expect(types(await scenario.accepted(stop))).toEqual(['TokensUsed', 'EffectRecorded', 'NodeStopped', 'ExecutionCancelled']);
  });
});

describe('the next attempt', () => {
  it('finds the journal after a lost runner: what has its receipt, and what was begun', async () => {
    const scenario = await begun();
    await scenario.accepted(step(1, [record('session', { receipt: [] })], [model('m1')]));
    await scenario.accepted(step(2, [record('m1')], [tool('m1.t1'), tool('m1.t2')]));
    await scenario.accepted(step(3, [record('m1.t2', { error: { code: 'broken', message: 'no', retryable: false } })], []));
    expect(types(await scenario.accepted(lose()))).toEqual(['AttemptLost', 'NodeScheduled']);
    expect(journal(scenario)).toEqual([
      { key: 'session', kind: 'session', name: 'session', standing: 'recorded', receipt: [] },
      { key: 'm1', kind: 'model', name: 'gpt', standing: 'recorded', attempt: 1, receipt: 'm1 said' },
      { key: 'm1.t1', kind: 'tool', name: 'search', arguments_sha256: 'abc', standing: 'begun', attempt: 1 },
      {
        key: 'm1.t2',
        kind: 'tool',
        name: 'search',
        arguments_sha256: 'abc',
        standing: 'recorded',
        attempt: 1,
        receipt: 'm1.t2 said',
        error: { code: 'broken', message: 'no', retryable: false },
      },
    ]);
    await scenario.start('think', 'r2');
    await scenario.accepted(step(1, [], [tool('m1.t1')], 2, 'r2'));
    expect(scenario.refusedStep).toBeUndefined();
  });

  it('finds it after a failure that is tried again', async () => {
    const scenario = await begun({}, { retry: { max_attempts: 2, initial_ms: 10, jitter: false } });
    await scenario.accepted(step(1, [], [model('m1')]));
    await scenario.accepted(step(2, [record('m1')], []));
    expect(types(await scenario.fail('think'))).toEqual(['NodeFailed', 'NodeRetryScheduled']);
    expect(journal(scenario)).toMatchObject([{ key: 'm1', standing: 'recorded' }]);
  });

  it('is not given up for runners that were lost after it had gone on', async () => {
    const scenario = await begun();
    for (let attempt = 1; attempt <= 8; attempt++) {
      await scenario.accepted(step(1, [record(`m${attempt}`)], [], attempt));
      expect(types(await scenario.accepted(lose(attempt)))).toEqual(['AttemptLost', 'NodeScheduled']);
      await scenario.start('think');
    }
  });
});

describe('a stored state', () => {
  it('of before there were agents is read', async () => {
    const scenario = await begun();
    const { journals: _journals, account: _account, ...older } = toSnapshot(scenario.execution as Execution) as unknown as Record<string, Json>;
    expect(fromSnapshot(older as Json)).toEqual(scenario.execution);
  });

  it('keeps receipts apart, and takes none that nobody needs', async () => {
    const scenario = await begun();
    await scenario.accepted(step(1, [], [model('m1')]));
    await scenario.accepted(step(2, [record('m1')], [model('m2')]));
    const stored = JSON.parse(JSON.stringify(toSnapshot(scenario.execution as Execution))) as Json;
    expect(JSON.stringify(stored)).not.toContain('m1 said');
    const kept = [...(scenario.execution?.receipts ?? [])];
    expect(fromSnapshot(stored, [...kept, ['think/m2', 'void'], ['gone/m1', 'void']])).toEqual(scenario.execution);
  });
});

describe('ParkNode', () => {
  it('opens the gates, and the agent goes on with what people decided once all are', async () => {
    const scenario = await begun();
    await scenario.accepted(step(1, [], [model('m1')]));
    const parked = await scenario.accepted(park(2, [asks('m1.t1'), asks('m1.t2', { schema: { type: 'string' } }, 'question')], [record('m1')]));
    expect(types(parked)).toEqual(['EffectRecorded', 'ApprovalRequested', 'QuestionRequested', 'ExecutionSuspended']);
    expect(parked[1]?.data).toMatchObject({ gate_id: 'think.1.m1.t1', key: 'm1.t1', call: { kind: 'tool', name: 'search' }, on_reject: 'branch', prompt: 'May it?' });
    expect(scenario.status()).toBe('awaiting_approval');
    expect(await scenario.accepted(park(2, [asks('m1.t1'), asks('m1.t2', {}, 'question')], [record('m1')]))).toEqual([]);
    expect(types(await scenario.accepted(respond('think.1.m1.t1', 'reject', { comment: 'never' })))).toEqual(['ResponseReceived', 'ExecutionResumed', 'ExecutionSuspended']);
    expect(scenario.status()).toBe('suspended');
    expect(types(await scenario.accepted(respond('think.1.m1.t2', undefined, { answer: 'blue' })))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeScheduled']);
    expect(journal(scenario)?.slice(1)).toMatchObject([
      { key: 'm1.t1', standing: 'asked', gate: { decision: 'reject', comment: 'never', by: 'user:bob' } },
      { key: 'm1.t2', standing: 'asked', gate: { decision: 'answer', answer: 'blue' } },
    ]);
    await scenario.start('think');
    await scenario.accepted(step(1, [], [tool('m1.t1')], 2));
    expect(scenario.refusedStep?.reason).toBe('call_rejected');
  });

  it('waits on without a word while people have other calls to decide on', async () => {
    const scenario = await begun();
    await scenario.accepted(park(1, [asks('m1.t1'), asks('m1.t2')]));
    expect(types(await scenario.accepted(respond('think.1.m1.t1', 'approve')))).toEqual(['ResponseReceived']);
    expect(scenario.status()).toBe('awaiting_approval');
    expect(types(await scenario.accepted(respond('think.1.m1.t2', 'approve')))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeScheduled']);
  });

  it('names both gates to whoever answers their node', async () => {
    const scenario = await begun();
    await scenario.accepted(park(1, [asks('m1.t1'), asks('m1.t2')]));
    expect((await scenario.refused({ type: 'Respond', node: 'think', decision: 'approve', by: 'user:bob', roles: [] })).reason).toBe('gate_ambiguous');
    await scenario.accepted(respond('think.1.m1.t1', 'approve'));
    await scenario.accepted({ type: 'Respond', node: 'think', decision: 'approve', by: 'user:bob', roles: [] });
    expect(scenario.status('think')).toBe('scheduled');
  });

  it('ends the execution where the gate says that a rejection does', async () => {
    const rejecting = await begun();
    await rejecting.accepted(park(1, [asks('m1.t1', { on_reject: 'reject' })]));
    expect(types(await rejecting.accepted(respond('think.1.m1.t1', 'reject')))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeStopped', 'ExecutionRejected']);
    const failing = await begun();
    await failing.accepted(park(1, [asks('m1.t1', { on_reject: 'fail' })]));
    expect(types(await failing.accepted(respond('think.1.m1.t1', 'reject')))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeFailed', 'ExecutionFailed']);
  });

  it('has its gates expire as they say', async () => {
    const scenario = await begun();
    await scenario.accepted(park(1, [asks('m1.t1', { expires_in_seconds: 5, on_expiry: 'reject' })]));
    scenario.clock = 5_000;
    const expired = await scenario.accepted({ type: 'FireTimer', timer: { kind: 'gate_expiry', gate: 'think.1.m1.t1' } });
    expect(types(expired)).toEqual(['GateExpired', 'ExecutionResumed', 'NodeScheduled']);
    expect(journal(scenario)).toMatchObject([{ gate: { decision: 'reject', by: 'system:gate_expired' } }]);
  });

  it('asks what became of a call that nobody knows of', async () => {
    const scenario = await begun();
    await scenario.accepted(step(1, [], [tool('m1.t1')]));
    await scenario.accepted(lose());
    await scenario.start('think');
    const parked = await scenario.accepted({ ...park(1, [asks('m1.t1', {}, 'effect')]), attempt: 2 });
    expect(types(parked)).toEqual(['EffectUnknown', 'ExecutionSuspended']);
    expect(parked[1]?.data).toMatchObject({ reason: 'effect_unknown' });
    await scenario.accepted(respond('think.2.m1.t1', 'done', { answer: { sent: true } }));
    expect(journal(scenario)).toMatchObject([{ key: 'm1.t1', standing: 'begun', gate: { decision: 'done', answer: { sent: true } } }]);
  });

  it('is stopped by a cancel while it waits', async () => {
    const scenario = await begun();
    await scenario.accepted(park(1, [asks('m1.t1')]));
    expect(types(await scenario.accepted({ type: 'CancelExecution', by: 'user:ann' }))).toEqual(['CancelRequested', 'NodeStopped', 'ExecutionCancelled']);
  });
});

describe('a budget', () => {
  it('is reserved before each model call, and settled by what the call used', async () => {
    const scenario = await begun({ budget_nano_usd: '1000' });
    const events = await scenario.accepted(step(1, [], [model('m1', '600')]));
    expect(types(events)).toEqual(['BudgetReserved', 'EffectIntended']);
    expect(events[0]?.data).toEqual({ node_id: 'think', attempt: 1, key: 'm1', nano_usd: '600' });
    expect(account(scenario)).toMatchObject({ spent: '0', reserved: '600' });
    await scenario.accepted(step(2, [record('m1', { used: used('250') })], [tool('m1.t1')]));
    expect(account(scenario)).toMatchObject({ spent: '250', reserved: '0' });
  });

  it('is not reserved where there is none', async () => {
    const scenario = await begun();
    expect(types(await scenario.accepted(step(1, [], [model('m1', '600')])))).toEqual(['EffectIntended']);
  });

  it('that may yet suffice is asked for again', async () => {
    const scenario = await begun({ budget_nano_usd: '1000' });
    await scenario.accepted(step(1, [], [model('m1', '600')]));
    await scenario.accepted(step(2, [], [model('m2', '600')]));
    expect(scenario.refusedStep?.reason).toBe('budget_busy');
    await scenario.accepted(step(2, [record('m1', { used: used('100') })], [model('m2', '600')]));
    expect(scenario.refusedStep).toBeUndefined();
    expect(account(scenario)).toMatchObject({ spent: '100', reserved: '600' });
  });

  it('that does not suffice parks the agent until it is raised', async () => {
    const scenario = await begun({ budget_nano_usd: '1000' });
    const exhausted = await scenario.accepted(step(1, [], [model('m1', '1600')]));
    expect(types(exhausted)).toEqual(['BudgetExhausted', 'ExecutionSuspended']);
    expect(exhausted[0]?.data).toMatchObject({ gate_id: 'think.1.m1', key: 'm1', needed_nano_usd: '1600', left_nano_usd: '1000', scope: 'execution' });
    expect(exhausted[1]?.data).toMatchObject({ status: 'suspended', reason: 'budget_exhausted' });
    expect(scenario.refusedStep?.reason).toBe('parked');
    expect((await scenario.refused(step(1, [], [model('m1', '1600')]))).reason).toBe('parked');
    const tooLittle = await scenario.refused(respond('think.1.m1', 'raise', { answer: { budget_usd: 0.0000012 } }));
    expect(tooLittle.errors?.[0]).toMatchObject({ pointer: '/answer/budget_usd' });
    expect((await scenario.refused(respond('think.1.m1', 'approve'))).errors?.[0]?.detail).toContain("'raise' or 'fail'");
    expect(types(await scenario.accepted(respond('think.1.m1', 'raise', { answer: { budget_usd: 0.000002 } })))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeScheduled']);
    await scenario.start('think');
    expect(types(await scenario.accepted(step(1, [], [model('m1', '1600')], 2)))).toEqual(['BudgetReserved', 'EffectIntended']);
  });

  it('that nobody raises fails the execution', async () => {
    const scenario = await begun({ budget_nano_usd: '1000' });
    await scenario.accepted(step(1, [], [model('m1', '1600')]));
    expect(types(await scenario.accepted(respond('think.1.m1', 'fail')))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeFailed', 'ExecutionFailed']);
    expect(scenario.history.at(-1)?.data).toMatchObject({ error_code: 'budget_exhausted' });
  });

  it('fails the node at once where it says so', async () => {
    const scenario = await begun({ budget_nano_usd: '1000' }, {}, { on_budget: 'fail' });
    expect(await scenario.accepted(step(1, [], [model('m1', '1600')]))).toEqual([]);
    expect(scenario.refusedStep?.reason).toBe('budget_exhausted');
  });

  it.each([
    ["the execution ('budget_usd')", { budget_nano_usd: '1000' }, {}],
    ["the execution ('limits.budget_usd' of agent 'a')", { budget_nano_usd: '1000', agent_id: 'a1' }, { budget_usd: 0.000001 }],
    ["the execution ('budget_usd')", { budget_nano_usd: '1001', agent_id: 'a1' }, { budget_usd: 0.000001 }],
    ["the node ('limits.budget_usd' of agent 'a')", {}, { budget_usd: 0.000001 }],
  ])('says that it is that of %s', async (whose, created, limits) => {
    const scenario = await begun(created, {}, { ...limits, on_budget: 'fail' });
    await scenario.accepted(step(1, [], [model('m1', '1600')]));
    expect(scenario.refusedStep?.because).toContain(`the budget of ${whose} leaves $0.000001`);
  });

  it('refuses a model without a price', async () => {
    const scenario = await begun({ budget_nano_usd: '1000' });
    await scenario.accepted(step(1, [], [model('m1', null)]));
    expect(scenario.refusedStep?.reason).toBe('price_unknown');
    await scenario.accepted(step(1, [], [tool('t')]));
    expect(scenario.refusedStep).toBeUndefined();
  });

  it('counts what was reserved for calls of a lost runner as spent, and the same call again anew', async () => {
    const scenario = await begun({ budget_nano_usd: '1000' });
    await scenario.accepted(step(1, [], [model('m1', '400')]));
    await scenario.accepted(lose());
    expect(account(scenario)).toMatchObject({ spent: '400', reserved: '0' });
    await scenario.start('think');
    await scenario.accepted(step(1, [], [model('m1', '400')], 2));
    await scenario.accepted(step(2, [record('m1', { used: used('300') })], [], 2));
    expect(account(scenario)).toMatchObject({ spent: '700', reserved: '0' });
  });

  it('counts what was reserved for a call of unknown cost as spent, and nothing for one that used nothing', async () => {
    const scenario = await begun({ budget_nano_usd: '1000' });
    await scenario.accepted(step(1, [], [model('m1', '400')]));
    await scenario.accepted(step(2, [record('m1', { used: used(null) })], [model('m2', '500')]));
    await scenario.accepted(step(3, [record('m2')], []));
    expect(account(scenario)).toMatchObject({ spent: '400', reserved: '0' });
  });

  it('of a node within a workflow is its own, beside that of the execution', async () => {
    const scenario = await begun({ budget_nano_usd: '9000' }, {}, { budget_usd: 0.000001 });
    const events = await scenario.accepted(step(1, [], [model('m1', '1600')]));
    expect(events[0]?.data).toMatchObject({ scope: 'node', left_nano_usd: '1000' });
    await scenario.accepted(respond('think.1.m1', 'raise', { answer: { budget_usd: 0.000002 } }));
    await scenario.start('think');
    expect(types(await scenario.accepted(step(1, [], [model('m1', '1600')], 2)))).toEqual(['BudgetReserved', 'EffectIntended']);
  });

  it('that several agents wait for is raised for all of them at once', async () => {
    const two = { ...agent(), nodes: [...(agent().nodes ?? []), ...(chain(['also', 'agent', { agent: 'a' }]).nodes ?? [])] };
    const scenario = await Scenario.of({ ...two, edges: [...(agent().edges ?? []), { from: 'start_of_workflow', to: 'also' }] }, { think: pinned(), also: pinned() }).created({
      budget_nano_usd: '1000',
    });
    for (const node of ['think', 'also']) {
      await scenario.start(node);
      await scenario.accepted({ ...step(1, [], [model('m1', '1600')]), node, id: `step-${node}` });
    }
    const raised = await scenario.accepted(respond('also.1.m1', 'raise', { answer: { budget_usd: 1 } }));
    expect(types(raised)).toEqual(['ResponseReceived', 'ResponseReceived', 'ExecutionResumed', 'NodeScheduled', 'NodeScheduled']);
  });

  it('of its tree or workspace is what the owner of the partition says', async () => {
    const scenario = await begun();
    await scenario.accepted({ ...step(1, [], [model('m1', '10')]), account: { outcome: 'busy' } });
    expect(scenario.refusedStep?.reason).toBe('budget_busy');
    expect(types(await scenario.accepted({ ...step(1, [], [model('m1', '10')]), account: { outcome: 'reserved' } }))).toEqual(['BudgetReserved', 'EffectIntended']);
    const standing = { outcome: 'exhausted', scope: 'workspace', needed_nano_usd: '10', left_nano_usd: '3' } as const;
    const exhausted = await scenario.accepted({ ...step(2, [record('m1')], [model('m2', '10')]), account: standing });
    expect(exhausted.at(-2)?.data).toMatchObject({ scope: 'workspace', left_nano_usd: '3' });
    expect(types(await scenario.accepted(respond('think.1.m2', 'raise')))).toEqual(['ResponseReceived', 'ExecutionResumed', 'NodeScheduled']);
  });
});

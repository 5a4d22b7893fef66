import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CallRecord, JournalEntry, NodeTask } from '@runlog/execution';
import type { AgentDefinition } from '@runlog/workflow';
import { chain, Fixture, node, startTestDatabase, until } from './testing/fixture.js';

const definition: AgentDefinition = { key: 'thinker', name: 'Thinker', model: { provider: 'openai', name: 'gpt' }, tools: [], guardrails: [], limits: {} };
const runner = 'r1';
const model = (key: string) => ({ key, kind: 'model' as const, name: 'gpt', reserve_nano_usd: '1000' });
const tool = (key: string) => ({ key, kind: 'tool' as const, name: 'search', reserve_nano_usd: null });

describe('an agent', () => {
  let server: Awaited<ReturnType<typeof startTestDatabase>>;
  let fixture: Fixture;
  let engine: Awaited<ReturnType<Fixture['service']>>;
  let versionId: string;

  beforeAll(async () => {
    server = await startTestDatabase();
    fixture = await Fixture.open(server);
    engine = await fixture.service();
    const made = await fixture.catalog.createAgent({ workspaceId: fixture.workspaceId, definition, by: null, at: 1 });
    if (!('agent' in made)) throw new Error('Expected a free key');
    const workflow = chain('thinks', [node('think', 'agent', { agent: made.agent.id }), node('tell', 'code', { source: 'return nodes.think;' })]);
    versionId = (await fixture.catalog.createWorkflow({ workspaceId: fixture.workspaceId, definition: workflow, agents: { think: made.version.id }, by: null, at: 1 })).version.id;
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
    await fixture?.close();
    await server?.stop();
  }, 60_000);

  const about = (attempt: number) => ({ node: 'think', attempt, runner, replyTo: runner });
  const created = async (budget: string | null = null): Promise<string> => {
    const create = fixture.create(versionId);
    await fixture.send({ ...create, created: { ...create.created, budget_nano_usd: budget } });
    await fixture.reaches(create.executionId, 'NodeScheduled');
    await fixture.send(fixture.about(create.executionId, 'StartNode', about(1)));
    return create.executionId;
  };
  /** Sends a step and gives what is answered: the reason of a refusal, or `accepted` or `unchanged`. */
  const answered = async (executionId: string, type: 'TakeStep' | 'ParkNode', attempt: number, nth: number, rest: object, times = 1): Promise<string[]> => {
    const id = `step:${executionId}:think.${attempt}:${runner}:${nth}`;
    const command = fixture.about(executionId, type, { ...about(attempt), id, nth, records: [], ...rest });
    const before = (await fixture.replies(runner)).filter((reply) => 'commandId' in reply && reply.commandId === id).length;
    await fixture.send(...Array.from({ length: times }, () => command));
    return until(`the answer to ${id}`, async () => {
      const own = (await fixture.replies(runner)).filter((reply) => 'commandId' in reply && reply.commandId === id).slice(before);
      return own.length >= times && own.map((reply) => (reply.type === 'refused' ? reply.rejection.reason : reply.type));
    });
  };
  const task = (executionId: string, attempt: number): Promise<NodeTask> =>
    until(
      `the task of attempt ${attempt}`,
      async () => (await fixture.tasks()).find((one) => one.executionId === executionId && one.node === 'think' && one.attempt === attempt) ?? false,
    );
  const restart = async (): Promise<void> => {
    await engine.stop();
    engine = await fixture.service();
  };
  const said = (key: string, receipt: unknown = `${key} said`): CallRecord => ({ key, receipt: receipt as never });

  it('has each step answered, and its next attempt finds the journal, whoever owns the partition by then', async () => {
    const executionId = await created();
    expect(await answered(executionId, 'TakeStep', 1, 1, { begins: [model('m1')] }, 2)).toEqual(['accepted', 'accepted']);
    expect(await answered(executionId, 'TakeStep', 1, 2, { records: [said('m1')], begins: [tool('m1.t1')] })).toEqual(['accepted']);
    await restart();
    expect(await answered(executionId, 'TakeStep', 1, 3, { records: [said('m1.t1', { rows: 3 })], begins: [model('m2')] })).toEqual(['accepted']);
    await restart();
    expect(await answered(executionId, 'TakeStep', 1, 4, { begins: [model('m1')] })).toEqual(['call_recorded']);
    await fixture.send(fixture.about(executionId, 'LoseAttempt', { node: 'think', attempt: 1, runner, because: 'silent' }));
    const next = await task(executionId, 2);
    expect(next.journal).toEqual([
      { key: 'm1', kind: 'model', name: 'gpt', standing: 'recorded', attempt: 1, receipt: 'm1 said' },
      { key: 'm1.t1', kind: 'tool', name: 'search', standing: 'recorded', attempt: 1, receipt: { rows: 3 } },
      { key: 'm2', kind: 'model', name: 'gpt', standing: 'begun', attempt: 1 },
    ]);
    expect(next.config).toMatchObject({ agent: { key: 'thinker', model: { name: 'gpt' }, version: 1 } });
    expect(await answered(executionId, 'TakeStep', 1, 5, { begins: [] })).toEqual(['attempt_over']);
    const events = await fixture.events(executionId);
    expect(events.filter(({ type, data }) => type === 'EffectIntended' && (data as { key: string }).key === 'm1')).toHaveLength(1);
  });

  it('that is parked goes on with what people said', async () => {
    const executionId = await created();
    const asks = [{ key: 'm1.t1', kind: 'approval', name: 'search', rules: { prompt: 'May it?' } }];
    expect(await answered(executionId, 'TakeStep', 1, 1, { begins: [model('m1')] })).toEqual(['accepted']);
    expect(await answered(executionId, 'ParkNode', 1, 2, { records: [said('m1')], asks }, 2)).toEqual(['accepted', 'unchanged']);
    await fixture.reaches(executionId, 'ExecutionSuspended');
    await restart();
    await fixture.send(fixture.about(executionId, 'Respond', { gate: 'think.1.m1.t1', decision: 'approve', comment: 'go', by: 'user:ann', roles: [] }));
    const next = await task(executionId, 2);
    expect(next.journal?.[1]).toMatchObject({ key: 'm1.t1', standing: 'asked', gate: { decision: 'approve', comment: 'go', by: 'user:ann' } });
  });

  it('whose budget does not suffice is parked, and told so however often it asks', async () => {
    const executionId = await created('900');
    expect(await answered(executionId, 'TakeStep', 1, 1, { begins: [model('m1')] }, 2)).toEqual(['parked', 'parked']);
    const events = await fixture.reaches(executionId, 'ExecutionSuspended');
    expect(events.filter(({ type }) => type === 'BudgetExhausted')).toHaveLength(1);
  });

  it('hears of a receipt that is said to be stored and is not as a failed call, and what it cost counts', async () => {
    const executionId = await created();
    await answered(executionId, 'TakeStep', 1, 1, { begins: [model('m1')] });
    const receipt_ref = { digest: `sha256:${'0'.repeat(64)}`, bytes: 70_000, media_type: 'application/json' };
    const used = { provider: 'openai', model: 'gpt', tokens: null, cost_nano_usd: '70', price: 'list' };
    expect(await answered(executionId, 'TakeStep', 1, 2, { records: [{ key: 'm1', receipt: null, receipt_ref, used }], begins: [] })).toEqual(['accepted']);
    const events = await fixture.events(executionId);
    expect(events.slice(-2).map(({ type, data }) => [type, data])).toMatchObject([
      ['TokensUsed', { key: 'm1', cost_nano_usd: '70' }],
      ['EffectRecorded', { key: 'm1', receipt: null, call: { kind: 'model', error: { code: 'artifact_missing', retryable: false } } }],
    ]);
  });

  it('whose journal is large has it stored, and its task refers to it', async () => {
    const executionId = await created();
    for (let nth = 1; nth <= 4; nth++) await answered(executionId, 'TakeStep', 1, nth, { records: [said(`m${nth}`, 'x'.repeat(50_000))], begins: [] });
    await fixture.send(fixture.about(executionId, 'LoseAttempt', { node: 'think', attempt: 1, runner, because: 'silent' }));
    const next = await task(executionId, 2);
    expect(next.journal).toBeUndefined();
    const stored = JSON.parse((await fixture.artifacts.read(fixture.workspaceId, next.journal_ref as never)).toString('utf8')) as JournalEntry[];
    expect(stored.map(({ key, receipt }) => [key, (receipt as string).length])).toEqual([1, 2, 3, 4].map((nth) => [`m${nth}`, 50_000]));
  });
});

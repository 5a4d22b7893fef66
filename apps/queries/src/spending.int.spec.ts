import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { UsageFilter } from '@runlog/contract';
import type { EventLog } from '@runlog/event-log';
import type { CreatedData, EventData } from '@runlog/execution';
import type { Database } from '@runlog/read-model';
import { uuidv7 } from 'uuidv7';
import type { QueriesService } from './queries.service.js';
import { rebuildExecutions } from './rebuild/rebuild.js';
import { Fixture } from './testing/fixture.js';
import { createdData, type Recorder } from './testing/recorder.js';
import { verifyReadModel } from './verify.js';

const DAY = Date.parse('2026-03-10T12:00:00Z');
const NEXT_DAY = DAY + 86_400_000;
/** Above what a double holds exactly. */
const LARGE = 9_007_199_254_740_993n;

describe('what models used', () => {
  let fixture: Fixture;
  let database: Database;
  let log: EventLog;
  let queries: QueriesService;
  let recorder: Recorder;
  let workspaceId: string;
  let pinned: Fixture['pinned'];
  const ids = [uuidv7(), uuidv7(), uuidv7()] as const;

  const level = async () => {
    for (const partition of Array.from({ length: log.partitions('execution-events') }, (_, i) => i)) {
      const offset = await log.end('execution-events', partition);
      const found = await queries.reads.execution({ workspaceId, ref: ids[0], nodes: false, fresh: { partition, offset, timeoutMs: 50_000 } });
      if (found?.stale) throw new Error(`Expected partition ${partition} to be projected up to ${offset}`);
    }
  };
  const called = (key: string, model: string, cost: bigint | null, input: number, output: number, at: number) =>
    [
      ['EffectIntended', { node_id: 'a', attempt: 1, key, call: { kind: 'model', name: model } }, at],
      [
        'TokensUsed',
        {
          node_id: 'a',
          attempt: 1,
          key,
          provider: 'openai',
          model,
          tokens: { input, cache_read: 10, cache_write: 20, output, reasoning: 30 },
          cost_nano_usd: cost === null ? null : String(cost),
          price: cost === null ? null : 'list',
        } satisfies EventData['TokensUsed'],
        at,
      ],
      ['EffectRecorded', { node_id: 'a', attempt: 1, key, receipt: {}, call: { kind: 'model', name: model } }, at],
    ] as const;
  const begun = (given: Partial<CreatedData>, at: number) =>
    [
      ['ExecutionCreated', createdData({ ...pinned, ...given }), at],
      ['ExecutionQueued', { queue_name: null }, at],
      ['ExecutionStarted', {}, at],
      ['NodeScheduled', { node_id: 'a', attempt: 1, kind: 'agent' }, at],
      ['NodeStarted', { node_id: 'a', attempt: 1, runner: 'r' }, at],
    ] as const;
  const usage = async (by: readonly (keyof UsageFilter['by'])[], more: Partial<UsageFilter> = {}) => {
    const groups = { day: by.includes('day'), workflow: by.includes('workflow'), agent: by.includes('agent'), model: by.includes('model') };
    return queries.reads.usage({ workspaceId, from: '2026-03-01', to: '2026-03-31', by: groups, limit: 100, ...more });
  };

  beforeAll(async () => {
    fixture = await Fixture.start();
    ({ recorder, workspaceId, pinned } = fixture);
    ({ database, log } = fixture.parts);
    queries = await fixture.serve();
    await recorder.record(
      ids[0],
      ...begun({ agent_id: 'agent-1' }, DAY),
      ...called('m1', 'gpt-4o', 5_000n, 100, 50, DAY),
      ['EffectIntended', { node_id: 'a', attempt: 1, key: 'm1.t1', call: { kind: 'tool', name: 'search' } }, DAY],
      ['EffectRecorded', { node_id: 'a', attempt: 1, key: 'm1.t1', receipt: {}, call: { kind: 'tool', name: 'search' } }, DAY],
    );
    await recorder.record(ids[0], ...called('m2', 'house', null, 1, 2, NEXT_DAY), ['NodeCompleted', { node_id: 'a', attempt: 1, output: 1 }, NEXT_DAY]);
    await recorder.record(ids[1], ...begun({}, DAY), ...called('m1', 'gpt-4o', LARGE, 7, 8, DAY));
    await recorder.record(
      ids[2],
      ...begun({}, DAY),
      ['EffectIntended', { node_id: 'a', attempt: 1, key: 'm1', call: { kind: 'model', name: 'gpt-4o' } }, DAY],
      ['AttemptLost', { node_id: 'a', attempt: 1, runner: 'r', because: 'silent' }, DAY],
    );
    await level();
  }, 60_000);

  afterAll(() => fixture?.stop());

  it('is with its execution, its nodes, and as it stood at any version', async () => {
    const view = async (ref: string, atVersion?: number) => (await queries.reads.execution({ workspaceId, ref, nodes: true, ...(atVersion ? { atVersion } : {}) }))?.view;
    const all = { cost_nano_usd: '5000', cost_complete: false, token_usage: { input_uncached: 101, cache_read: 20, cache_write: 40, output_text: 52, reasoning: 60 } };
    expect(await view(ids[0])).toMatchObject({ ...all, n_agent_actions: 1, nodes: { a: { spent: all } } });
    const first = { cost_nano_usd: '5000', cost_complete: true, token_usage: { input_uncached: 100, cache_read: 10, cache_write: 20, output_text: 50, reasoning: 30 } };
    expect(await view(ids[0], 7)).toMatchObject({ ...first, n_agent_actions: 0, nodes: { a: { spent: first } } });
    expect(await view(ids[0], 5)).toMatchObject({ cost_nano_usd: '0', cost_complete: true });
    expect(await view(ids[1])).toMatchObject({ cost_nano_usd: String(LARGE), cost_complete: true });
    expect(await view(ids[2])).toMatchObject({ cost_nano_usd: '0', cost_complete: false });
  });

  it('adds up over trees, at any depth', async () => {
    const [child, grandchild] = [uuidv7(), uuidv7()];
    await recorder.record(child, ...begun({ parent_execution_id: ids[0], root_execution_id: ids[0] }, DAY + 40 * 86_400_000));
    await recorder.record(
      grandchild,
      ...begun({ parent_execution_id: child, root_execution_id: ids[0] }, DAY + 40 * 86_400_000),
      ...called('m1', 'gpt-4o', LARGE, 1, 2, DAY + 40 * 86_400_000),
    );
    await level();
    const tree = (executionId: string) => queries.reads.tree({ workspaceId, executionId });
    const leaf = {
      executions: 1,
      cost_nano_usd: String(LARGE),
      cost_complete: true,
      token_usage: { input_uncached: 1, cache_read: 10, cache_write: 20, output_text: 2, reasoning: 30 },
    };
    expect(await tree(grandchild)).toEqual(leaf);
    expect(await tree(child)).toEqual({ ...leaf, executions: 2 });
    expect(await tree(ids[0])).toMatchObject({ executions: 3, cost_nano_usd: String(LARGE + 5_000n), cost_complete: false, token_usage: { input_uncached: 102, reasoning: 90 } });
    expect((await queries.reads.execution({ workspaceId, ref: ids[0], nodes: false }))?.view.cost_nano_usd).toBe('5000');
    expect(await tree(uuidv7())).toBeNull();
  });

  it('sorts executions', async () => {
    const sorted = async (descending: boolean) =>
      (await queries.reads.executions({ workspaceId, sort: 'cost', descending, limit: 10, createdBefore: NEXT_DAY })).rows.map(({ id }) => id);
    expect(await sorted(true)).toEqual([ids[1], ids[0], ids[2]]);
    expect(await sorted(false)).toEqual([ids[2], ids[0], ids[1]]);
  });

  it('is expected to be used again by what runs again', async () => {
    const nodes = await queries.reads.replayNodes({ workspaceId, executionId: ids[0], branching: [], costing: ['a'] });
    expect(nodes).toMatchObject([{ node_id: 'a', cost_nano_usd: '5000' }]);
  });

  it('adds up by day, workflow, agent and model, also beyond what floats hold', async () => {
    const total = (await usage([])).rows;
    expect(total).toMatchObject([
      {
        day: null,
        model: null,
        agent_id: null,
        created: 3,
        model_calls: 4,
        unpriced_calls: 2,
        agent_actions: 1,
        cost_nano_usd: String(LARGE + 5_000n),
        input_tokens: 108,
        cache_read_tokens: 30,
        cache_write_tokens: 60,
        output_tokens: 60,
        reasoning_tokens: 90,
      },
    ]);
    expect((await usage(['model'])).rows.map(({ model, model_calls, unpriced_calls, cost_nano_usd }) => [model, model_calls, unpriced_calls, cost_nano_usd])).toEqual([
      ['', 0, 0, '0'],
      ['gpt-4o', 3, 1, String(LARGE + 5_000n)],
      ['house', 1, 1, '0'],
    ]);
    expect((await usage(['agent'])).rows.map(({ agent_id, created, model_calls }) => [agent_id, created, model_calls])).toEqual([
      ['', 2, 2],
      ['agent-1', 1, 2],
    ]);
    expect((await usage(['day'])).rows.map(({ day, model_calls, created }) => [day, model_calls, created])).toEqual([
      ['2026-03-11', 1, 0],
      ['2026-03-10', 3, 3],
    ]);
    expect((await usage([], { model: 'house' })).rows).toMatchObject([{ model_calls: 1, created: 0 }]);
    expect((await usage([], { agentId: 'agent-1' })).rows).toMatchObject([{ model_calls: 2, created: 1 }]);
  });

  it('is listed page by page, every row once', async () => {
    const by = ['day', 'workflow', 'agent', 'model'] as const;
    const whole = (await usage(by)).rows;
    expect(whole.length).toBe(6);
    const paged = [];
    for (let after: UsageFilter['after'], more = true; more; ) {
      const { rows, hasMore } = await usage(by, { limit: 2, ...(after ? { after } : {}) });
      paged.push(...rows);
      const last = rows.at(-1);
      after = { day: last?.day ?? '', workflowId: last?.workflow_id ?? '', agentId: last?.agent_id ?? '', model: last?.model ?? '' };
      more = hasMore;
    }
    expect(paged).toEqual(whole);
  });

  it('is counted once, after a restart and a rebuild too, and checked', async () => {
    const by = ['day', 'workflow', 'agent', 'model'] as const;
    const before = await usage(by);
    const drift = async () => (await verifyReadModel(fixture.parts)).drift;
    queries = await fixture.serve();
    await level();
    expect((await usage(by)).rows).toEqual(before.rows);
    expect(await drift()).toEqual([]);
    await rebuildExecutions(fixture.parts);
    expect((await usage(by)).rows).toEqual(before.rows);
    expect(await drift()).toEqual([]);
    await database.query(`update usage_daily set cost_nano_usd = cost_nano_usd + 2 where model = 'gpt-4o' and agent_id = 'agent-1'`);
    expect(await drift()).toMatchObject([
      { executionId: expect.stringContaining('agent agent-1, model gpt-4o') as unknown, because: expect.stringContaining('cost_nano_usd') as unknown },
    ]);
  }, 60_000);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ScriptedModel, startModel, type Tokens } from '../models/start-model.mjs';
import { publishAgent } from './agents.js';
import { bash, documentsIn, snippetsOf } from './snippets.js';
import { type Running, startStandalone } from './standalone.js';
import { until } from './until.js';

jest.setTimeout(180_000);

let model: ScriptedModel;
let runlog: Running;
let folder: string;

const get = async (path: string, headers: Record<string, string> = {}) => (await runlog.call('GET', `/api/v1${path}`, undefined, headers)).body;
const post = (path: string, body: object = {}) => runlog.call('POST', `/api/v1${path}`, body);
const used: Tokens = { input: 86, cache_read: 900, cache_write: 0, output: 200, reasoning: 100 };

/** An agent whose model says it used this in each call. */
const agent = async (
  key: string,
  name: string,
  usage: Tokens | null,
  more: { provider?: string; parameters?: object; turns?: object[]; limits?: object; tools?: object[] } = {},
) => {
  const { provider = 'openai_compatible', parameters = {}, turns = [{ content: 'Done.', usage }], ...rest } = more;
  await model.script(key, { turns } as never);
  await publishAgent(runlog, { key, baseUrl: model.baseUrl(key), model: { provider, name, parameters }, ...rest });
};
const execute = async (key: string, body: object = {}) => (await post(`/agents/${key}/execute`, { input: { message: 'Hello' }, ...body })).body;
const ended = (id: string) =>
  until(
    async () => {
      const execution = await get(`/executions/${id}`);
      return execution.is_terminal && execution;
    },
    { what: `the end of ${id}` },
  );
/** A workflow of so many nodes that begin at once, each this agent. */
const crowd = async (key: string, count: number, agentKey: string) => {
  const nodes = Array.from({ length: count }, (_, n) => ({ id: `a${n}`, type: 'agent', name: `A${n}`, config: { agent: agentKey, input: '{{ input }}' } }));
  const { status, body } = await post('/workflows', { key, name: key, nodes, edges: nodes.map(({ id }) => ({ from: 'start_of_workflow', to: id })) });
  if (status !== 201) throw new Error(`Expected to publish workflow '${key}', but got ${status}: ${JSON.stringify(body)}`);
};
const tokensUsed = async (id: string): Promise<bigint[]> =>
  (await get(`/executions/${id}/events?limit=1000`)).data.flatMap(({ type, data }: { type: string; data: { cost_nano_usd: string } }) =>
    type === 'TokensUsed' ? [BigInt(data.cost_nano_usd)] : [],
  );
const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, one) => total + one, 0n);
const suspended = (id: string) => until(async () => (await get(`/executions/${id}`)).status === 'suspended', { what: `${id} to be suspended` });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlog-prices-'));
  const prices = join(folder, 'prices.json');
  await writeFile(prices, JSON.stringify([{ model: 'house', input: 1, cache_read: 0.1, output: 2, reasoning: 4 }]));
  model = await startModel();
  runlog = await startStandalone({ env: { RUNLOG_PRICES: prices } });
}, 90_000);

afterAll(async () => {
  await runlog?.discard();
  await model?.stop();
  await rm(folder, { recursive: true });
}, 30_000);

describe('cost', () => {
  it.each([
    // 86 x 2.50 + 900 x 1.25 + 300 x 10.00 USD per million.
    ['openai_compatible', 'gpt-4o', used, 0.00434],
    // The same over the responses API.
    ['openai', 'gpt-4o', used, 0.00434],
    // 21 x 3.00 + 400 x 3.75 + 300 x 0.30 + 50 x 15.00.
    ['anthropic', 'claude-sonnet-4-20250514', { input: 21, cache_write: 400, cache_read: 300, output: 50, reasoning: 0 }, 0.002403],
    // 86 x 1.00 + 900 x 0.10 + 200 x 2.00 + 100 x 4.00: from RUNLOG_PRICES.
    ['openai_compatible', 'house', used, 0.000976],
  ] as const)('of %s %s is exact', async (provider, name, usage, cost) => {
    const key = `priced_${provider}_${name.replace(/[^a-z0-9]/g, '_')}`;
    await agent(key, name, usage, { provider });
    const execution = await execute(key);
    const { input = 0, cache_read = 0, cache_write = 0, output = 0, reasoning = 0 } = usage as Tokens;
    const tokens = { prompt_tokens: input + cache_read + cache_write, completion_tokens: output + reasoning, total_tokens: input + cache_read + cache_write + output + reasoning };
    expect(execution).toMatchObject({ status: 'completed', cost, cost_nano_usd: String(Math.round(cost * 1e9)), cost_complete: true });
    expect(execution.token_usage).toMatchObject({ ...tokens, input_uncached: input, cache_read, cache_write });
    expect(await get(`/executions/${execution.id}/tree`)).toMatchObject({ object: 'tree', executions: 1, cost, cost_complete: true, token_usage: tokens });
    expect((await get(`/executions/${execution.id}`)).stats.agent).toMatchObject({ cost, token_usage: tokens });
    const { data } = await get(`/executions/${execution.id}?dialect=agents`);
    expect([data.cost, data.token_usage]).toEqual([cost, tokens]);
    const [row] = (await get(`/usage?group_by=agent&group_by=model&agent_id=${key}&model=${name}`)).data;
    expect(row).toMatchObject({ agent_id: execution.agent_id, model: name, model_calls: 1, cost, cost_complete: true, token_usage: tokens });
  });

  it('of a model without a price is not known, and never 0', async () => {
    await agent('unpriced', 'nobody-knows-1', used);
    expect(await execute('unpriced')).toMatchObject({ status: 'completed', cost: 0, cost_complete: false, token_usage: { prompt_tokens: 986 } });
    expect((await post('/agents/unpriced/execute', { input: {}, budget_usd: 1 })).body).toMatchObject({ error_code: 'price_unknown' });
  });

  it('counts each call, in replays only what runs again, and is the estimate of a plan', async () => {
    const tool = { name: 'look', kind: 'code', description: 'Looks', config: { source: 'return { seen: true };' } };
    await agent('looking', 'gpt-4o', null, {
      tools: [tool],
      turns: [
        { tools: [{ name: 'look', arguments: {} }], usage: used },
        { content: 'Seen.', usage: used },
      ],
    });
    await crowd('looks', 2, 'looking');
    const { body: first } = await post('/workflows/looks/executions?wait=60', { input: { message: 'Look' } });
    expect(first).toMatchObject({ status: 'completed', cost: 0.01736, n_agent_actions: 2 });
    expect((await post(`/executions/${first.id}/replay`, { plan: true, from_node_id: 'a0' })).body).toMatchObject({ cost_estimate: 0.00868 });
    const { body: second } = await post(`/executions/${first.id}/replay?wait=60`, { from_node_id: 'a0' });
    expect(second).toMatchObject({ status: 'completed', cost: 0.00868, n_agent_actions: 1 });
    const { nodes } = await get(`/executions/${first.id}/diff/${second.id}`);
    expect(nodes.map(({ node_id, cost }: { node_id: string; cost: object }) => [node_id, cost])).toEqual([
      ['a0', { a: 0.00868, b: 0.00868 }],
      ['a1', { a: 0.00868, b: 0 }],
    ]);
    expect((await post(`/executions/${second.id}/replay`, { plan: true })).body).toMatchObject({ cost_estimate: 0.01736 });
  });
});

describe('budgets', () => {
  it('of an execution hold for 20 agents at once; raised, all go on', async () => {
    await agent('busy', 'gpt-4o', used, { parameters: { max_tokens: 300 } });
    await crowd('crowd', 20, 'busy');
    const { body: created } = await post('/workflows/crowd/executions', { input: { message: 'Go' }, budget_usd: 0.05 });
    await suspended(created.id);
    const before = await tokensUsed(created.id);
    // 20 calls of 0.00434 are 0.0868.
    expect([before.length > 0, before.length < 20, sum(before) <= 50_000_000n]).toEqual([true, true, true]);
    expect(await model.requests('busy')).toHaveLength(before.length);
    const { causes } = await get(`/executions/${created.id}/why`);
    expect(causes.map(({ kind }: { kind: string }) => kind)).toEqual(causes.map(() => 'budget'));
    for (const { gate_id } of causes) await post(`/executions/${created.id}/respond`, { gate_id, decision: 'raise', answer: { budget_usd: 10 } });
    const done = await until(
      async () => {
        const execution = await get(`/executions/${created.id}`);
        for (const gate of execution.gates) await post(`/executions/${created.id}/respond`, { gate_id: gate.id, decision: 'raise', answer: { budget_usd: 10 } });
        return execution.is_terminal && execution;
      },
      { what: 'the end' },
    );
    expect(done).toMatchObject({ status: 'completed', cost: 0.0868, budget_usd: 10 });
  });

  it('of a workspace hold over executions, and are seen, raised and removed', async () => {
    const path = '/workspaces/default/budget';
    expect((await runlog.call('GET', `/api/v1${path}`)).status).toBe(404);
    const { cost: soFar } = (await get('/usage')).data[0];
    const budget_usd = Math.round((soFar + 0.04) * 1e9) / 1e9;
    expect((await runlog.call('PUT', `/api/v1${path}`, { budget_usd, period: 'month' })).status).toBe(201);
    const runs = [];
    for (let n = 0; n < 2; n++) runs.push((await post('/workflows/crowd/executions', { input: { message: 'Go' } })).body.id);
    for (const id of runs) await suspended(id);
    const spent = sum((await Promise.all(runs.map(tokensUsed))).flat());
    expect([spent > 0n, spent <= 40_000_000n]).toEqual([true, true]);
    const standing = await until(
      async () => {
        const budget = await get(path);
        return budget.reserved_usd === 0 && budget;
      },
      { what: 'what is reserved to be settled' },
    );
    expect(standing).toMatchObject({ object: 'budget', budget_usd, period: 'month', updated_by: expect.stringMatching(/^user:/) as unknown });
    expect(Math.round((standing.spent_usd - soFar) * 1e9)).toBe(Number(spent));
    const { causes } = await get(`/executions/${runs[0]}/why`);
    expect(causes[0]).toMatchObject({ kind: 'budget', unblock: [{ by: 'admin', action: expect.stringContaining('PUT /api/v1/workspaces/') as unknown }, {}] });
    expect((await runlog.call('PUT', `/api/v1${path}`, { budget_usd: 100 })).status).toBe(200);
    for (const id of runs) for (const gate of (await get(`/executions/${id}`)).gates) await post(`/executions/${id}/respond`, { gate_id: gate.id, decision: 'raise' });
    for (const id of runs) expect(await ended(id)).toMatchObject({ status: 'completed', cost: 0.0868 });
    expect((await runlog.call('DELETE', `/api/v1${path}`)).status).toBe(204);
    expect((await runlog.call('PUT', `/api/v1${path}`, { budget_usd: -1 })).status).toBe(422);
  });

  it('fail the node where that is asked for', async () => {
    await agent('strict', 'gpt-4o', used, { limits: { budget_usd: 0.000001, on_budget: 'fail' } });
    expect(await execute('strict')).toMatchObject({
      status: 'failed',
      error_code: 'budget_exhausted',
      error: expect.stringContaining("the budget of the execution ('limits.budget_usd' of agent 'strict') leaves $0.000001") as unknown,
      cost: 0,
    });
  });
});

describe('a crash in the middle of a call', () => {
  it('leaves the call on the books with the most that it can have cost, and nothing reserved', async () => {
    await model.script('crashed', { turns: [{ content: 'Done.', usage: used, gates: [{ name: 'crash', after: 0 }] }] });
    const definition = {
      key: 'crashed',
      name: 'Crashed',
      model: { provider: 'openai_compatible', name: 'gpt-4o', base_url: model.baseUrl('crashed'), parameters: { max_tokens: 300 } },
    };
    const path = '/api/v1/workspaces/default/budget';
    let crashing = await startStandalone();
    try {
      await crashing.call('PUT', path, { budget_usd: 1, period: 'day' });
      await crashing.call('POST', '/api/v1/agents', definition);
      const { id } = (await crashing.call('POST', '/api/v1/agents/crashed/execute', { input: { message: 'Go' }, async_mode: true })).body;
      await until(async () => (await model.requests('crashed')).length === 1, { what: 'the model to be asked' });
      const { reserved_usd } = (await crashing.call('GET', path)).body;
      await crashing.kill();
      await model.open('crash');
      crashing = await startStandalone({ home: crashing.home, key: crashing.key });
      const ended = await until(
        async () => {
          const { body } = await crashing.call('GET', `/api/v1/executions/${id}`);
          return body.is_terminal && body;
        },
        { what: 'the end' },
      );
      expect(ended).toMatchObject({ status: 'completed', cost: 0.00434, cost_complete: false });
      expect(reserved_usd).toBeGreaterThan(0.00434);
      const { body: budget } = await crashing.call('GET', path);
      expect([Math.round(budget.spent_usd * 1e9), budget.reserved_usd]).toEqual([Math.round((reserved_usd + 0.00434) * 1e9), 0]);
      const { body: usage } = await crashing.call('GET', '/api/v1/usage?group_by=model&model=gpt-4o');
      expect(usage.data).toMatchObject([{ model_calls: 2, cost: 0.00434, cost_complete: false }]);
    } finally {
      await crashing.discard();
    }
  });
});

describe('docs/cost.md', () => {
  it('can be typed in', async () => {
    const snippets = await snippetsOf('docs/cost.md');
    const typed = (name: string) => bash(snippets.get(name) ?? '', { cwd: folder, env: { RUNLOG_URL: runlog.url, RUNLOG_API_KEY: runlog.key } });
    const budget = { object: 'budget', budget_usd: 25, period: 'month' };
    expect(documentsIn(await typed('budget'))).toMatchObject([budget, budget]);
    expect(documentsIn(await typed('usage'))[0].data.map(({ model: name }: { model: string | null }) => name)).toEqual(expect.arrayContaining([null, 'gpt-4o']));
  });
});

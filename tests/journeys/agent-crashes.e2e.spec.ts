import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isAlive } from '@runlog/platform';
import { type ScriptedModel, startModel, type Turn } from '../models/start-model.mjs';
import { publishAgent } from './agents.js';
import { type Outside, startOutside } from './outside.js';
import { type Running, startStandalone } from './standalone.js';
import { until } from './until.js';

jest.setTimeout(240_000);

let folder: string;
let model: ScriptedModel;
let runlog: Running;
let shop: Outside;
const asked: { path: string; key: string }[] = [];
/** What the shop has not answered yet. */
const held: ServerResponse[] = [];
const env = () => ({ RUNLOG_MCP_SERVERS: join(folder, 'mcp.json'), RUNLOG_HEARTBEAT_TIMEOUT_MS: '2000' });

const publish = async (key: string, turns: readonly Turn[], tools: readonly object[]) => {
  await model.script(key, { turns });
  await publishAgent(runlog, { key, baseUrl: model.baseUrl(key), tools });
};
const begin = async (key: string): Promise<string> => (await runlog.call('POST', `/api/v1/agents/${key}/execute`, { input: {}, async_mode: true })).body.id;
const once = async (id: string, status: string) =>
  until(
    async () => {
      const { body } = await runlog.call('GET', `/api/v1/executions/${id}`);
      return body.status === status && body;
    },
    { what: `execution ${id} to be ${status}`, timeoutMs: 100_000, otherwise: async () => JSON.stringify((await runlog.call('GET', `/api/v1/executions/${id}`)).body) },
  );
const post = (name: string, more: object = {}) => ({ name, kind: 'http', config: { method: 'POST', url: `${shop.url}/${name}/{{ execution.key }}` }, ...more });
const of = (name: string, id: string) => asked.filter(({ path, key }) => path.startsWith(`/${name}/`) && key.includes(id));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlog-crashes-'));
  await writeFile(join(folder, 'mcp.json'), JSON.stringify({ tests: { command: process.execPath, args: [resolve('tests/mcp/server.mjs')] } }));
  shop = await startOutside((request, response) => {
    const { url: path = '', headers } = request;
    const key = String(headers['idempotency-key']);
    const isFirst = !asked.some((one) => one.key === key);
    asked.push({ path, key });
    // The first request of each call has its effect, and nobody hears of it.
    if (isFirst && path.includes('slow')) held.push(response);
    else response.setHeader('content-type', 'application/json').end('"paid"');
  });
  [model, runlog] = await Promise.all([startModel(), startStandalone({ env: env() })]);
}, 120_000);

afterAll(async () => {
  await runlog?.discard();
  await model?.stop();
  shop?.stop();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

describe('an agent whose machine dies in the middle of a tool call', () => {
  it('goes on at that very call, pays no model twice, and repeats it by its key or asks people, as its tool says', async () => {
    const six = ['a', 'b', 'c'].flatMap((name): Turn[] => [
      {
        content: `Step ${name}.`,
        tools: [
          { name: 'count', arguments: { name } },
          { name: 'its_count', arguments: {} },
        ],
      },
    ]);
    const turns = (tool: string): Turn[] => [...six, { tools: [{ name: tool, arguments: { cents: 5 } }] }, { content: 'Told: {{result}}' }];
    const count = { name: 'count', kind: 'code', config: { source: 'return args.name' } };
    const its = { name: 'its', kind: 'mcp', config: { server: 'tests', tools: ['count'] } };
    await publish('repeats', turns('slow'), [count, its, post('slow')]);
    await publish('asks', turns('slow'), [count, its, post('slow', { on_unknown: 'ask' })]);
    await publish('approved', turns('slow'), [count, its, post('slow', { on_unknown: 'ask', approval: true })]);
    const [repeats, asks, approved] = [await begin('repeats'), await begin('asks'), await begin('approved')];
    await once(approved, 'awaiting_approval');
    expect((await runlog.call('POST', `/api/v1/executions/${approved}/respond`, { decision: 'approve' })).status).toBe(200);
    await until(() => held.length === 3, { what: 'three calls under way' });
    const counts = await model.counts();
    const told = (await model.requests('repeats')).at(-1)?.body.messages as { role: string; content: string }[];
    const server = Number(told.find(({ role, content }) => role === 'tool' && /^\d+ \d+$/.test(content))?.content.split(' ')[0]);
    expect(isAlive(server)).toBe(true);

    await runlog.kill();
    await until(() => !isAlive(server), { what: 'the MCP server to end with its runner' });
    for (const response of held) response.destroy();
    runlog = await startStandalone({ home: runlog.home, env: env() });

    expect(await once(repeats, 'completed')).toMatchObject({ output: { response: expect.stringMatching(/^Step a\.\n\nStep b\.\n\nStep c\.\n\nTold: .*paid/) } });
    expect(of('slow', repeats)).toHaveLength(2);
    expect(new Set(of('slow', repeats).map(({ key }) => key)).size).toBe(1);
    for (const id of [asks, approved]) {
      const { gates } = await once(id, 'suspended');
      expect(gates).toMatchObject([{ kind: 'effect', prompt: expect.stringContaining('{"cents":5}') }]);
      expect(of('slow', id)).toHaveLength(1);
    }
    expect((await runlog.call('POST', `/api/v1/executions/${asks}/respond`, { decision: 'done', answer: 'paid by hand' })).status).toBe(200);
    expect((await runlog.call('POST', `/api/v1/executions/${approved}/respond`, { decision: 'repeat' })).status).toBe(200);
    expect(await once(asks, 'completed')).toMatchObject({ output: { response: expect.stringContaining('Told: paid by hand') } });
    expect(await once(approved, 'completed')).toMatchObject({ output: { response: expect.stringMatching(/Told: .*"paid"/) } });
    expect([of('slow', asks).length, of('slow', approved).length]).toEqual([1, 2]);
    // Each turn of each conversation was asked for once, over two starts: the last one is the only one that is new.
    for (const key of ['repeats', 'asks', 'approved']) {
      expect(counts[key]?.by_turn).toEqual({ 0: 1, 1: 1, 2: 1, 3: 1 });
      expect((await model.counts())[key]?.by_turn).toEqual({ 0: 1, 1: 1, 2: 1, 3: 1, 4: 1 });
    }
  });
});

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ScriptedModel, startModel } from '../models/start-model.mjs';
import { publishAgent } from './agents.js';
import { type Running, startStandalone } from './standalone.js';
import { until } from './until.js';

jest.setTimeout(120_000);

let model: ScriptedModel;
let runlog: Running;

const post = (path: string, body: object = {}, headers: Record<string, string> = {}) => runlog.call('POST', `/api/v1${path}`, body, headers);
const get = async (path: string) => (await runlog.call('GET', `/api/v1${path}`)).body;
/** An agent whose model says this. */
const agent = async (key: string, says: string, more: object = {}, path = '/agents') => {
  const script = `${key}-${says}`;
  await model.script(script, { turns: [{ content: says }] });
  return publishAgent(runlog, { key, baseUrl: model.baseUrl(script), at: path, ...more });
};
const execute = (key: string, body: object = {}, headers = {}) => post(`/agents/${key}/execute`, { input: { message: 'Hello' }, ...body }, headers);

beforeAll(async () => {
  model = await startModel();
  runlog = await startStandalone();
}, 90_000);

afterAll(async () => {
  await runlog?.discard();
  await model?.stop();
}, 30_000);

describe('versions of agents', () => {
  it('are pinned: by executions, their retries and replays, unless the latest is asked for', async () => {
    const first = await agent('pinned', 'one');
    const { body: before } = await execute('pinned');
    const second = await agent('pinned', 'two', {}, '/agents/pinned/versions');
    expect((await execute('pinned')).body).toMatchObject({ output: { response: 'two' }, agent_version_id: second.id });
    const again = async (verb: string, body = {}) => (await post(`/executions/${before.id}/${verb}?wait=50`, body)).body;
    for (const one of [before, await again('replay'), await again('retry')]) expect(one).toMatchObject({ output: { response: 'one' }, agent_version_id: first.agent_version_id });
    expect(await again('replay', { version: 'latest' })).toMatchObject({ output: { response: 'two' }, agent_version_id: second.id, agent_id: first.id, replay_of: before.id });
  });

  it('are pinned by versions of workflows, when these are published', async () => {
    const agentNode = { id: 'ask', type: 'agent', name: 'Ask', config: { agent: 'noded', input: "{ 'message': input.text }" } };
    const shout = { id: 'shout', type: 'transform', name: 'Shout', config: { expression: '$uppercase(nodes.ask.response)' } };
    const edges = [
      { from: 'start_of_workflow', to: 'ask' },
      { from: 'ask', to: 'shout' },
    ];
    const workflow = { key: 'asking', name: 'Asking', nodes: [agentNode, shout], edges };
    const run = async () => (await post('/workflows/asking/executions?wait=50', { input: { text: 'Hello' } })).body;
    await agent('noded', 'one');
    expect((await post('/workflows', workflow)).status).toBe(201);
    await agent('noded', 'two', {}, '/agents/noded/versions');
    expect(await run()).toMatchObject({ status: 'completed', output: 'ONE', agent_id: null });
    expect((await post('/workflows/asking/versions', workflow)).status).toBe(201);
    expect(await run()).toMatchObject({ status: 'completed', output: 'TWO' });
  });
});

describe('a node with an agent that is tried again', () => {
  it('calls its model again, and none of what has its receipt', async () => {
    const busy = [{ status: 503, times: 4, retry_after: 0 }];
    const call = { id: 'c1', name: 'count', arguments: '{}' };
    await model.script('busy', { turns: [{ tools: [call] }, { content: 'At last.', fails: busy }] });
    const tools = [{ name: 'count', kind: 'code', config: { source: 'return 1;' } }];
    await post('/agents', { key: 'busy', name: 'Busy', model: { provider: 'openai_compatible', name: 'gpt-4o-mini', base_url: model.baseUrl('busy') }, tools });
    const ask = { id: 'ask', type: 'agent', name: 'Ask', config: { agent: 'busy' }, retry: { max_attempts: 2, initial_ms: 1, jitter: false } };
    await post('/workflows', { key: 'retrying', name: 'Retrying', nodes: [ask], edges: [{ from: 'start_of_workflow', to: 'ask' }] });
    const { body } = await post('/workflows/retrying/executions?wait=50', { input: {} });
    expect(body).toMatchObject({ status: 'completed', output: { response: 'At last.' }, n_agent_actions: 1 });
    expect(await model.requests('busy')).toHaveLength(6);
    const [node] = (await get(`/executions/${body.id}/nodes`)).data;
    expect(node.attempts.map(({ status }: { status: string }) => status)).toEqual(['failed', 'completed']);
  });
});

describe('POST /agents/{id}/execute', () => {
  it('acts once per Idempotency-Key', async () => {
    await agent('once', 'done');
    const [one, two] = [await execute('once', {}, { 'idempotency-key': 'k1' }), await execute('once', {}, { 'idempotency-key': 'k1' })];
    expect([one.body.id, two.headers.get('idempotency-replayed')]).toEqual([two.body.id, 'true']);
    expect((await execute('once', { version_id: '1' }, { 'idempotency-key': 'k1' })).status).toBe(422);
    expect(await model.requests('once-done')).toHaveLength(1);
  });

  it('goes on although whoever waited for it has hung up', async () => {
    await model.script('left', { turns: [{ content: 'Anyway.', gates: [{ name: 'left', after: 0 }] }] });
    await post('/agents', { key: 'left', name: 'left', model: { provider: 'openai_compatible', name: 'gpt-4o-mini', base_url: model.baseUrl('left') } });
    const away = new AbortController();
    const waiting = fetch(`${runlog.url}/api/v1/agents/left/execute`, {
      method: 'POST',
      signal: away.signal,
      headers: { authorization: `Bearer ${runlog.key}`, 'content-type': 'application/json' },
      body: '{"input":{}}',
    });
    await until(async () => (await model.requests('left')).length === 1, { what: 'the model to be asked' });
    away.abort();
    await expect(waiting).rejects.toThrow();
    await model.open('left');
    await until(async () => (await get('/executions?agent_id=left')).data[0]?.status === 'completed', { what: 'the end' });
  });

  it('answers 202 when its budget is used up; raised, it goes on', async () => {
    await agent('dear', 'Worth it.', { limits: { budget_usd: 0.000001 } });
    const { status, body } = await execute('dear');
    expect([status, body]).toMatchObject([202, { status: 'suspended', status_reason: 'budget_exhausted', budget_usd: 0.000001, gates: [{ kind: 'budget' }] }]);
    expect(await model.requests('dear-Worth it.')).toHaveLength(0);
    expect((await post(`/executions/${body.id}/respond`, { decision: 'raise', answer: { budget_usd: 1 } })).status).toBe(200);
    const ended = await until(
      async () => {
        const execution = await get(`/executions/${body.id}`);
        return execution.is_terminal && execution;
      },
      { what: 'the end' },
    );
    expect(ended).toMatchObject({ status: 'completed', output: { response: 'Worth it.' } });
    expect((await execute('dear', { budget_usd: 1 })).body).toMatchObject({ status: 'completed' });
  });
});

describe('sessions', () => {
  it('hold every turn that was answered, at once', async () => {
    await agent('chatty', 'I see.');
    for (let turn = 1; turn <= 6; turn++) {
      expect((await execute('chatty', { input: { message: `Turn ${turn}` }, session_id: 'quick' })).body.status).toBe('completed');
      const asked = (await model.requests('chatty-I see.')).at(-1)?.body as { messages: { role: string; content: string }[] };
      const expected = Array.from({ length: turn }, (_, at) => `Turn ${at + 1}`);
      expect(asked.messages.filter(({ role }) => role === 'user').map(({ content }) => content)).toEqual(expected);
      expect(asked.messages).toHaveLength(turn * 2 - 1);
    }
    const first = await get('/sessions/quick/messages?limit=5');
    const rest = await get(`/sessions/quick/messages?limit=10&after=${first.next_cursor}`);
    expect([first.data.length, first.has_more, rest.data.length, rest.has_more]).toEqual([5, true, 7, false]);
    expect([...first.data, ...rest.data].map(({ role }: { role: string }) => role)).toEqual(Array.from({ length: 12 }, (_, at) => (at % 2 ? 'assistant' : 'user')));
  });

  it('are shown as far as they fit, and with what guardrails redact', async () => {
    await agent('short', 'Yes.', { limits: { session_tokens: 12 }, guardrails: [{ on: 'input', kind: 'regex', pattern: '\\d{4}', action: 'redact', replacement: '#' }] });
    for (const message of ['A long question that nobody will remember any more', 'My pin is 1234', 'And now?']) await execute('short', { input: { message }, session_id: 'short' });
    const { messages } = ((await model.requests('short-Yes.')).at(-1) as unknown as { body: { messages: { content: string }[] } }).body;
    expect(messages.map(({ content }) => content)).toEqual(['My pin is #', 'Yes.', 'And now?']);
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { publishAgent } from '../../journeys/agents.js';
import { read } from '../../journeys/streaming.js';
import { type ScriptedModel, startModel } from '../../models/start-model.mjs';
import { type Execution, type Product, startProduct } from '../product.js';
import { clientReady, publishedClient } from './published-client.js';

jest.setTimeout(150_000);

/** USD per million tokens. */
const price = { model: 'priced', input: 1, cache_read: 0.1, cache_write: 2, output: 10, reasoning: 20 };
const unknown = '0ujtsYcgvSTl8PAuAdqWYSMnLOv';
/** As long as an agent may take that a client waits for with half a minute of patience, and twice that. */
const SLOW_MS = 60_000;

let folder: string;
let model: ScriptedModel;
let product: Product;
/** What the client got of an agent that takes a minute, and how many requests that took. It goes on while everything else is tested. */
let slow: Promise<Execution>;

const publish = (key: string, more: object = {}): Promise<Execution> => publishAgent(product, { key, baseUrl: model.baseUrl(key), model: { name: 'priced' }, ...more });
const execute = (agent: string, body: object, query = '') => product.as('POST', `/api/v1/agents/${agent}/execute${query}`, body);
const message = (text: string) => ({ input: { message: text } });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlog-prices-'));
  await writeFile(join(folder, 'prices.json'), JSON.stringify([price]));
  model = await startModel();
  product = await startProduct('agents', { RUNLOG_PRICES: join(folder, 'prices.json') });
  await model.script('slow', { turns: [{ content: 'At last.', first_token_ms: SLOW_MS }] });
  await model.script('plain', { turns: [{ content: 'You said: {{user}}', usage: { input: 350, cache_read: 100, output: 100, reasoning: 20 } }] });
  await model.script('shop', {
    turns: [
      { thinking: ['I ', 'look.'], content: ['One ', 'moment.'], tools: [{ name: 'order_status', arguments: { order_id: '12345' } }], usage: { input: 450, output: 20 } },
      { content: ['Your order #12345 ', 'is {{result}}.'], usage: { input: 500, output: 100 } },
    ],
  });
  await model.script('refunds', { turns: [{ tools: [{ name: 'refund', arguments: { cents: 500 } }] }, { content: 'Done: {{result}}' }] });
  const input_schema = { type: 'object', required: ['message'], properties: { message: { type: 'string' } } };
  await publish('slow');
  await publish('plain', { input_schema });
  await publish('shop', {
    system_prompt: 'You serve {{ execution.metadata.channel }}.',
    prompt_template: 'Customer {{ input.customer_id }} asks in {{ input.language }}: {{ input.message }}',
    tools: [{ name: 'order_status', kind: 'code', description: 'Where an order is', config: { source: "return 'in transit (' + input.order_id + ')';" } }],
    guardrails: [{ on: 'input', kind: 'regex', pattern: '\\b\\d{16}\\b', action: 'redact' }],
  });
  await publish('refunds', { tools: [{ name: 'refund', kind: 'code', approval: true, config: { source: 'return input.cents;' } }] });
  await clientReady();
  slow = publishedClient({ url: product.url, key: product.dialectKey, slow: { agent_id: 'slow', input: {} } }, 'executing.py');
  slow.catch(() => undefined);
}, 400_000);
afterAll(async () => {
  await product?.discard();
  await model?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('Synchronous Execution', () => {
  it('blocks until the execution completes and returns the result', async () => {
    const { status, body } = await execute('plain', { ...message('Hello'), colour: 'red' });
    expect([status, Object.keys(body)]).toEqual([200, ['data']]);
    expect(body.data).toMatchObject({ status: 'completed', is_terminal: true, input: { message: 'Hello' }, output: { response: 'You said: Hello' }, error: null });
    const { body: agent } = await product.call('GET', '/api/v1/agents/plain');
    const { body: canonical } = await product.call('GET', `/api/v1/executions/${body.data.id}`);
    expect(canonical).toMatchObject({ agent_id: agent.id, agent_version_id: agent.agent_version_id, workflow_id: agent.workflow_id });
    for (const { id } of [agent, { id: 'plain' }, { id: body.data.agent_id }]) {
      const { data } = (await product.as('GET', `/api/v1/executions?agent_id=${id}`)).body;
      expect(data.map((one: Execution) => one.id)).toContain(body.data.id);
    }
  });

  it("conforms to the agent version's input schema, or is refused", async () => {
    const { status, body } = await execute('plain', { input: { message: 5 } });
    expect([status, body]).toMatchObject([
      400,
      { status: 400, code: 'invalid_input', error: { code: 'invalid_input', message: body.detail, details: { errors: [{ pointer: '/input/message' }] } } },
    ]);
    expect((await execute('nobody', message('x'))).body).toMatchObject({ status: 404, error: { code: 'agent_not_found' } });
  });

  it('ends in failed with what to do, where the model can not be asked', async () => {
    await model.script('locked', { turns: [{ content: 'x' }], api_key: 'right' });
    await publish('locked');
    const { status, body } = await execute('locked', message('Hello'));
    expect([status, body.data.status, body.data.error]).toEqual([200, 'failed', expect.stringContaining('401')]);
  });
});

describe('Asynchronous Execution', () => {
  it('returns immediately with the execution id, and is polled for completion', async () => {
    for (const mode of [{ async_mode: true }, { sync: false }]) {
      const { status, body } = await execute('plain', { ...message('Later'), ...mode }, '?wait=60');
      expect([status, body.data.is_terminal, body.data.execution_id]).toEqual([201, false, body.data.id]);
      await product.once(body.data.id, 'the end', ({ is_terminal }) => is_terminal);
      expect((await product.as('GET', `/api/v1/executions/${body.data.id}`)).body.data).toMatchObject({ status: 'completed', output: { response: 'You said: Later' } });
    }
  });
});

describe('Token Usage and Cost', () => {
  it('count every token once, and cost what the price list says', async () => {
    const { data } = (await execute('plain', message('Hello'))).body;
    expect(data.token_usage).toEqual({ prompt_tokens: 450, completion_tokens: 120, total_tokens: 570 });
    expect(data.cost).toBe((350 * 1 + 100 * 0.1 + 100 * 10 + 20 * 20) / 1e6);
  });
});

describe('Executing: prompt rendering, model calls, tool invocations, guardrail checks', () => {
  it('is what the model is asked, and what comes of it', async () => {
    const input = { message: 'Where is it? I paid with 1234567812345678.', customer_id: 'cust_789', language: 'en' };
    const { data } = (await execute('shop', { input, metadata: { channel: 'web' } })).body;
    expect(data).toMatchObject({
      input,
      metadata: { channel: 'web' },
      output: { response: 'One moment.\n\nYour order #12345 is in transit (12345).' },
      token_usage: { prompt_tokens: 950, completion_tokens: 120, total_tokens: 1070 },
    });
    const [first, second] = (await model.requests('shop')) as Execution[];
    expect(first.body.messages).toEqual([
      { role: 'system', content: 'You serve web.' },
      { role: 'user', content: 'Customer cust_789 asks in en: Where is it? I paid with [redacted].' },
    ]);
    expect(second.body.messages.at(-1)).toMatchObject({ role: 'tool', content: expect.stringContaining('in transit (12345)') });
  });

  it('waits for approval at a checkpoint', async () => {
    const { status, body } = await execute('refunds', message('My money, please'));
    expect([status, body.data]).toMatchObject([202, { status: 'awaiting_approval', is_terminal: false, output: null }]);
    const { gates } = (await product.call('GET', `/api/v1/executions/${body.data.id}`)).body;
    expect(gates).toMatchObject([{ kind: 'approval', prompt: expect.stringContaining('500') }]);
    expect((await product.as('POST', `/api/v1/executions/${body.data.id}/respond`, { gate_id: gates[0].id, decision: 'approve' })).status).toBe(200);
    const done = await product.once(body.data.id, 'the end', ({ is_terminal }) => is_terminal);
    expect([done.status, done.output]).toEqual(['completed', { response: 'Done: 500' }]);
  });
});

describe('Streaming Execution Events', () => {
  const stream = (id: string) => read({ url: product.url, key: product.dialectKey }, `/api/v1/executions/${id}/stream`);

  it('are thinking, tool_start, tool_end, content and done, as they happen; of one that has ended a single done', async () => {
    await model.script('watched', {
      turns: [
        { thinking: 'I look.', content: 'One moment.', tools: [{ name: 'order_status', arguments: {} }], gates: [{ name: 'watched', after: 0 }] },
        { content: 'It is {{result}}.' },
      ],
    });
    await publish('watched', { tools: [{ name: 'order_status', kind: 'code', config: { source: "return 'in transit';" } }] });
    const { data } = (await execute('watched', { ...message('Where?'), async_mode: true })).body;
    const streaming = stream(data.id);
    await model.open('watched');
    const { messages } = await streaming;
    const frames = messages.map(({ event, data }) => ({ event, data: JSON.parse(data) }));
    const kinds = frames.map(({ event }) => event).filter((event, at, all) => event !== all[at - 1]);
    expect(kinds).toEqual(['thinking', 'content', 'tool_start', 'tool_end', 'content', 'done']);
    const started = frames.find(({ event }) => event === 'tool_start')?.data;
    expect(started).toEqual({ id: expect.any(String), name: 'order_status' });
    expect(frames.find(({ event }) => event === 'tool_end')?.data).toMatchObject({ id: started.id, name: 'order_status' });
    const done = frames.at(-1)?.data;
    expect(done).toMatchObject({ output: { response: 'One moment.\n\nIt is in transit.' }, token_usage: { total_tokens: expect.any(Number) } });
    expect(
      frames
        .filter(({ event }) => event === 'content')
        .map(({ data }) => data.content)
        .join(''),
    ).toBe(done.output.response);
    expect((await stream(data.id)).messages.map(({ event, data }) => ({ event, data: JSON.parse(data) }))).toEqual([{ event: 'done', data: done }]);
  });
});

describe('The published client, unchanged', () => {
  it('executes, gets, lists and streams', async () => {
    const { body: agent } = await product.call('GET', '/api/v1/agents/plain');
    const first = agent.agent_version_id;
    await product.call('POST', '/api/v1/agents/plain/versions', { ...agent.definition, name: 'Plain, again' });
    await model.script('gated', {
      turns: [{ content: ['You ', 'said: ', '{{user}}'], usage: { input: 350, cache_read: 100, output: 120 }, gates: [{ name: 'heard', after: 1 }] }],
    });
    await publish('gated');
    const plain = { agent_id: agent.id, input: { message: 'Hello' } };
    const seen = await publishedClient(
      {
        url: product.url,
        key: product.dialectKey,
        executes: { plain, in_session: { ...plain, session_id: 'chat-7' }, of_version: { ...plain, version_id: first }, blocking: { ...plain, sync: true } },
        to_stream: { ...plain, agent_id: 'gated' },
        gate: `${model.url}/gates/heard`,
        agent: agent.id,
        session: 'chat-7',
        unknown,
      },
      'executing.py',
    );
    for (const one of [...Object.values(seen.executed), seen.executed_async] as Execution[])
      expect(one).toMatchObject({
        status: 'completed',
        output: { response: 'You said: Hello' },
        error: null,
        token_usage: { total_tokens: 570 },
        cost: 0.00176,
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      });
    expect(seen.got.in_session).toMatchObject({ id: seen.executed.in_session.execution_id, session_id: 'chat-7', input: { message: 'Hello' } });
    const versions = await Promise.all(['plain', 'of_version'].map(async (name) => (await product.call('GET', `/api/v1/executions/${seen.got[name].id}`)).body.agent_version_id));
    expect([versions[0] === first, versions[1] === first]).toEqual([false, true]);
    expect(seen.begun).toMatchObject({ status: expect.stringMatching(/^(pending|running)$/), output: null });
    const content = seen.streamed.filter(({ type }: Execution) => type === 'content').map((event: Execution) => event.content);
    expect([content.join(''), seen.streamed.at(-1)]).toMatchObject([
      'You said: Hello',
      { type: 'done', output: { response: 'You said: Hello' }, token_usage: { total_tokens: 570 } },
    ]);
    expect(seen.streamed_again).toEqual([seen.streamed.at(-1)]);
    expect(seen.by_agent).toEqual(expect.arrayContaining([seen.executed.plain.execution_id, seen.executed.of_version.execution_id]));
    expect(seen.by_session).toEqual([seen.executed.in_session.execution_id]);
    expect(seen.bad_input).toMatchObject({ type: 'ValidationError', status: 400, code: 'invalid_input', details: { errors: [{ pointer: '/input/message' }] } });
    expect(seen.unknown).toMatchObject({ type: 'NotFoundError', status: 404, code: 'agent_not_found', message: expect.stringContaining(unknown) });
  });

  it('executes an agent that takes a minute once', async () => {
    expect(await slow).toMatchObject({ status: 'completed', output: { response: 'At last.' } });
    expect(await model.requests('slow')).toHaveLength(1);
    expect((await product.call('GET', '/api/v1/executions?agent_id=slow')).body.data).toMatchObject([{ duration_ms: expect.any(Number) }]);
  });
});

import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ScriptedModel, startModel } from '../models/start-model.mjs';
import { startOutside } from './outside.js';
import { bash, documentsIn, snippetsOf } from './snippets.js';
import { type Running, startStandalone } from './standalone.js';
import { until } from './until.js';

jest.setTimeout(90_000);

let model: ScriptedModel;
let runlog: Running;

beforeAll(async () => {
  model = await startModel();
  await model.script('order_support', {
    count: 'since_user',
    turns: [{ thinking: 'I look.', tools: [{ name: 'order_status', arguments: { order_id: '12345' } }] }, { content: ['It is ', 'in transit.'] }],
  });
  await model.script('shop_assistant', {
    turns: [
      {
        tools: [
          { name: 'vat', arguments: { cents: 11_900 } },
          { name: 'order', arguments: { id: '7' } },
          { name: 'refund', arguments: { id: '7', cents: 500 } },
          { name: 'ask_support', arguments: { question: 'Is that right?' } },
        ],
      },
      { content: 'All done.' },
    ],
  });
  await model.script('refunds', { turns: [{ tools: [{ name: 'refund', arguments: { cents: 500 } }] }, { content: 'Refunded.' }] });
  runlog = await startStandalone();
}, 90_000);

afterAll(async () => {
  await runlog?.discard();
  await model?.stop();
}, 30_000);

describe('docs/agents.md', () => {
  it('works as written', async () => {
    const snippets = new Map(await snippetsOf('docs/agents.md'));
    const run = (name: string): Promise<string> => {
      const text = snippets.get(name) ?? '';
      snippets.delete(name);
      const script = text.includes('"key": "refunds"') ? 'refunds' : 'order_support';
      return bash(text.replaceAll('http://127.0.0.1:11434/v1', model.baseUrl(script)), { cwd: runlog.home, env: { RUNLOG_URL: runlog.url, RUNLOG_API_KEY: runlog.key } });
    };
    const documents = async (name: string) => documentsIn(await run(name));
    expect(await documents('publish')).toMatchObject([{ object: 'agent', key: 'order_support', version: 1 }]);
    const [executed] = await documents('execute');
    expect(executed).toMatchObject({ key: 'order_support_1', status: 'completed', output: { response: 'It is in transit.' }, metadata: { channel: 'web' }, cost_complete: false });
    const [first] = await model.requests('order_support');
    expect(first?.body).toMatchObject({ messages: [{ role: 'system' }, { role: 'user', content: 'Customer cust_789 asks: Where is order 12345?' }] });
    const frames = [...(await run('stream')).matchAll(/^event: (\w+)$/gm)].map(([, event]) => event).filter((event, at, all) => event !== all[at - 1]);
    expect(frames.at(-1)).toBe('done');
    const [published, waiting, answered] = await documents('approval');
    expect([published.key, waiting]).toMatchObject(['refunds', { status: 'awaiting_approval', gates: [{ kind: 'approval', prompt: expect.stringContaining('500') }] }]);
    await until(async () => (await runlog.call('GET', `/api/v1/executions/${answered.id}`)).body.status === 'completed', { what: 'the refund' });
    const [said, again, sessions, messages] = await documents('session');
    expect([said, again]).toEqual([{ output: { response: 'It is in transit.' } }, { output: { response: 'It is in transit.' } }]);
    expect(sessions.data).toMatchObject([{ id: 'chat-42', executions: 2 }]);
    expect(messages.data.map(({ role, content }: { role: string; content: string }) => `${role}: ${content}`)).toEqual([
      'user: Where is order 12345?',
      'assistant: It is in transit.',
      'user: And when will it be here?',
      'assistant: It is in transit.',
    ]);
    const last = (await model.requests('order_support')).at(-1)?.body as { messages: { content: string }[] };
    expect(last.messages.slice(1, 4).map(({ content }) => content)).toEqual(['Where is order 12345?', 'It is in transit.', expect.stringContaining('And when will it be here?')]);
    expect([...snippets.keys()]).toEqual([]);
  });
});

describe('docs/agents-tools.md', () => {
  it('works as written', async () => {
    const asked: string[] = [];
    const shop = await startOutside(async (request, response) => {
      asked.push(`${request.method} ${request.url} ${await text(request)}`);
      response.setHeader('content-type', 'application/json').end('{"total":500}');
    });
    try {
      const snippets = new Map(await snippetsOf('docs/agents-tools.md'));
      const snippet = (snippets.get('publish') ?? '').replaceAll('http://127.0.0.1:11434/v1', model.baseUrl('shop_assistant')).replaceAll('http://127.0.0.1:8080', shop.url);
      expect(documentsIn(await bash(snippet, { cwd: runlog.home, env: { RUNLOG_URL: runlog.url, RUNLOG_API_KEY: runlog.key } }))).toMatchObject([
        { object: 'agent', key: 'shop_assistant' },
      ]);
      const { body: waiting } = await runlog.call('POST', '/api/v1/agents/shop_assistant/execute', { input: { message: 'My money, please' } });
      expect(asked).toEqual(['GET /orders/7 ']);
      const gates = new Map<string, { id: string; prompt: string }>(waiting.gates.map((gate: { kind: string }) => [gate.kind, gate]));
      expect(gates.get('approval')?.prompt).toContain('Pay this back?\n\nrefund {"cents":500,"id":"7"}\nsha256 ');
      expect(gates.get('question')?.prompt).toBe('Is that right?');
      const respond = (kind: string, body: object) => runlog.call('POST', `/api/v1/executions/${waiting.id}/respond`, { gate_id: gates.get(kind)?.id, ...body });
      expect((await respond('question', { answer: 'It is.' })).status).toBe(200);
      expect((await respond('approval', { decision: 'approve' })).status).toBe(200);
      await until(async () => (await runlog.call('GET', `/api/v1/executions/${waiting.id}`)).body.status === 'completed', { what: 'the refund' });
      expect(asked).toEqual(['GET /orders/7 ', 'POST /refunds {"order":"7","cents":500}']);
      const told: { role: string; content: string }[] = (await model.requests('shop_assistant')).at(-1)?.body.messages;
      const results = told.filter(({ role }) => role === 'tool').map(({ content }) => content);
      expect(results).toEqual(['1900', expect.stringContaining('500'), expect.stringContaining('200'), 'It is.']);
    } finally {
      shop.stop();
    }
  });
});

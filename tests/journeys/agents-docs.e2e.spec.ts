import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type ScriptedModel, startModel } from '../models/start-model.mjs';
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

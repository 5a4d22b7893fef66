import { execFile } from 'node:child_process';
import { Agent, type IncomingMessage, request } from 'node:http';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type ScriptedModel, startModel } from '../models/start-model.mjs';
import { type Running, startStandalone } from './standalone.js';
import { upTo } from './streaming.js';
import { until } from './until.js';
import { approval, inSequence, publish, transform } from './workflows.js';

const READING = 800;
const NEVER_READING = 200;
/** What one client that never reads would make the server hold, if it held it: 100 events of about 50 KB. */
const LARGE = { nodes: 100, characters: 50_000 };

let runlog: Running;
let model: ScriptedModel;
const agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

beforeAll(async () => {
  [runlog, model] = await Promise.all([startStandalone({ env: { RUNLOG_SSE_LIMIT: '0', RUNLOG_RATE_LIMIT: '0' } }), startModel()]);
  const nodes = Array.from({ length: LARGE.nodes }, (_, at) => transform(`n${at}`, 'input.text'));
  await publish(runlog, inSequence('large', nodes, { output: '1' }));
  await publish(runlog, inSequence('asks', [transform('a', 'input.n'), approval('ask'), transform('b', 'nodes.a + 1')]));
}, 90_000);

afterAll(async () => {
  agent.destroy();
  await runlog?.discard();
  await model?.stop();
});

const create = async (workflow: string, input: object) => (await runlog.call('POST', `/api/v1/workflows/${workflow}/executions?wait=50`, { input })).body;

const open = (id: string, kind: 'events' | 'stream'): Promise<IncomingMessage> =>
  new Promise((done, fail) => {
    const headers = { authorization: `Bearer ${runlog.key}`, accept: 'text/event-stream' };
    request(`${runlog.url}/api/v1/executions/${id}/${kind}`, { agent, headers })
      .once('response', (response) => (response.statusCode === 200 ? done(response) : fail(new Error(`Expected a stream, but got ${response.statusCode}`))))
      .once('error', fail)
      .end();
  });

/** Opens so many streams, some at a time. */
const openMany = async (id: string, count: number, kind: 'events' | 'stream' = 'events'): Promise<IncomingMessage[]> => {
  const opened: IncomingMessage[] = [];
  while (opened.length < count) opened.push(...(await Promise.all(Array.from({ length: Math.min(50, count - opened.length) }, () => open(id, kind)))));
  return opened;
};

interface Reader {
  text: string;
  ended: boolean;
}

const reading = (response: IncomingMessage): Reader => {
  const reader: Reader = { text: '', ended: false };
  response.setEncoding('utf8');
  response.on('data', (piece: string) => (reader.text += piece));
  response.once('end', () => (reader.ended = true));
  response.once('error', () => undefined);
  return reader;
};

const megabytes = async (): Promise<number> => {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(runlog.pid)]);
  return Number(stdout.trim()) / 1024;
};

it('1,000 streams of which 200 never read: memory is bounded, and the others have everything in time', async () => {
  const large = await create('large', { text: 'x'.repeat(LARGE.characters) });
  expect({ status: large.status, error: large.error }).toEqual({ status: 'completed', error: null });
  const small = await create('asks', { n: 1 });
  const before = await megabytes();
  const stuck = await openMany(large.id, NEVER_READING);
  const readers = (await openMany(small.id, READING)).map(reading);
  const has =
    (version: number) =>
    ({ text }: Reader) =>
      text.includes(`id: ${version}\n`);
  await until(() => readers.every(has(small.version)), { what: 'every reader to have the history', otherwise: () => `${readers.filter(has(small.version)).length} have it` });
  const during = await megabytes();
  expect((await runlog.call('POST', `/api/v1/executions/${small.id}/respond`, { decision: 'approve' })).status).toBe(200);
  await until(() => readers.every(({ ended }) => ended), { what: 'every reader to be told of the end', otherwise: () => `${readers.filter(({ ended }) => ended).length} were` });
  const ids = ({ text }: Reader) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  const { version } = (await runlog.call('GET', `/api/v1/executions/${small.id}`)).body;
  for (const reader of readers) {
    expect(ids(reader)).toEqual(upTo(version));
    expect(reader.text).toMatch(/event: done\ndata: \{"status":"completed","version":\d+\}\n\n$/);
  }
  const after = await megabytes();
  // Held for all of them it would be a gigabyte and a half; some of this is garbage that waits for its collection.
  expect(Math.max(during, after) - before).toBeLessThan(700);
  for (const response of stuck) response.destroy();
  expect((await create('asks', { n: 2 })).status).toBe('awaiting_approval');
}, 240_000);

it('1,000 streams of what agents say, of which 200 never read: memory is bounded, and the others have every byte', async () => {
  const said = (count: number, length: number) => Array.from({ length: count }, (_, at) => `${at} `.padEnd(length, 'word '));
  const pieces = { long: said(200, 20_000), short: said(40, 1_000) };
  const begin = async (key: 'long' | 'short'): Promise<string> => (await runlog.call('POST', `/api/v1/agents/${key}/execute`, { input: {}, async_mode: true })).body.id;
  for (const key of ['long', 'short'] as const) {
    await model.script(key, { turns: [{ content: pieces[key], gates: [{ name: 'listened', after: 0 }] }] });
    const choice = { provider: 'openai_compatible', name: 'scripted', base_url: model.baseUrl(key) };
    expect((await runlog.call('POST', '/api/v1/agents', { key, name: key, model: choice, prompt_template: 'Go on.' })).status).toBe(201);
  }
  const long = await begin('long');
  const short = await Promise.all(Array.from({ length: 10 }, () => begin('short')));
  const before = await megabytes();
  const stuck = await openMany(long, NEVER_READING, 'stream');
  const readers: Reader[] = [];
  for (const id of short) readers.push(...(await openMany(id, READING / short.length, 'stream')).map(reading));
  await model.open('listened');
  await until(() => readers.every(({ ended }) => ended), { what: 'every reader to be told of the end', otherwise: () => `${readers.filter(({ ended }) => ended).length} were` });
  await until(async () => (await runlog.call('GET', `/api/v1/executions/${long}`)).body.is_terminal, { what: 'the long one to end' });
  const after = await megabytes();
  const textOf = ({ text }: Reader) => [...text.matchAll(/^event: content\ndata: (.*)$/gm)].map(([, data]) => JSON.parse(data as string).content as string).join('');
  expect(readers.filter((reader) => textOf(reader) !== pieces.short.join(''))).toEqual([]);
  for (const { text } of readers) expect(text).toMatch(/event: done\ndata: \{.*\}\n\n$/);
  // Held for all of those that take nothing it would be 800 MB; some of this is garbage that waits for its collection.
  expect(after - before).toBeLessThan(700);
  for (const response of stuck) response.destroy();
}, 240_000);

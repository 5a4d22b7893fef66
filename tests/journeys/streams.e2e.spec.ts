import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { historyOf } from './histories.js';
import { type Running, startStandalone } from './standalone.js';
import { idsOf, read, upTo } from './streaming.js';
import { until } from './until.js';
import { approval, code, delay, inSequence, publish, transform } from './workflows.js';

jest.setTimeout(60_000);

let runlog: Running;
const env = { RUNLOG_SSE_MAX_SECONDS: '1', RUNLOG_SSE_LIMIT: '3' };

beforeAll(async () => {
  runlog = await startStandalone({ env });
  await publish(runlog, inSequence('quick', [transform('a', 'input.n'), transform('b', 'nodes.a + 1')]));
  await publish(runlog, inSequence('asks', [transform('a', 'input.n'), approval('ask'), transform('b', 'nodes.a + 1')]));
  await publish(
    runlog,
    inSequence('ticks', [
      code('a', 'console.log("one"); return 1;'),
      delay('p', 0.5),
      code('b', 'console.warn("two"); return 2;'),
      delay('q', 0.5),
      code('c', 'console.error("three", { n: 3 }); return 3;'),
      transform('d', 'nodes.c'),
    ]),
  );
}, 90_000);

afterAll(async () => {
  await runlog?.discard();
});

const create = async (workflow: string, query = '') => (await runlog.call('POST', `/api/v1/workflows/${workflow}/executions${query}`, { input: { n: 1 } })).body;
const events = (id: string) => `/api/v1/executions/${id}/events`;
const approve = async (id: string) => expect((await runlog.call('POST', `/api/v1/executions/${id}/respond`, { decision: 'approve' })).status).toBe(200);

describe('the event stream', () => {
  it('is, byte for byte, retry, one frame per event, done', async () => {
    const { id, version } = await create('quick', '?wait=50');
    const history = await historyOf(runlog, id);
    const stream = await read(runlog, events(id));
    expect(stream.status).toBe(200);
    expect(Object.fromEntries(stream.headers)).toMatchObject({
      'content-type': expect.stringMatching(/^text\/event-stream/),
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const frames = history.map((event) => `id: ${event.version}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    expect(stream.text).toBe(`retry: 1000\n\n${frames.join('')}event: done\ndata: {"status":"completed","version":${version}}\n\n`);
    expect(stream.closed).toBe(true);
  });

  it('reconnected at or after the end is 204, before it goes on after the given id', async () => {
    const { id, version } = await create('quick', '?wait=50');
    for (const last of [version, version + 5]) expect(await read(runlog, events(id), { headers: { 'last-event-id': String(last) } })).toMatchObject({ status: 204, text: '' });
    expect((await read(runlog, `${events(id)}?last_event_id=${version}`)).status).toBe(204);
    const rest = await read(runlog, events(id), { headers: { 'last-event-id': String(version - 2) } });
    expect(idsOf(rest.messages)).toEqual([version - 1, version]);
    expect(rest.messages.at(-1)).toMatchObject({ event: 'done' });
    expect((await runlog.call('GET', events(id), undefined, { accept: 'text/event-stream', 'last-event-id': 'x' })).body).toMatchObject({
      status: 400,
      code: 'invalid_last_event_id',
    });
  });

  it('a first connect to a finished execution is never 204', async () => {
    const { id, version } = await create('quick', '?wait=50');
    const now = await read(runlog, `${events(id)}?from=now`);
    expect(now).toMatchObject({ status: 200, text: `retry: 1000\n\nevent: done\ndata: {"status":"completed","version":${version}}\n\n` });
  });

  it('from=now shows only what happens from now on', async () => {
    const { id, version } = await create('asks', '?wait=50');
    const stream = read(runlog, `${events(id)}?from=now`, { enough: (messages) => messages.some(({ event }) => event === 'done' || event === 'reconnect') });
    await approve(id);
    const { messages } = await stream;
    expect(idsOf(messages)[0]).toBeGreaterThan(version);
    const last = (await historyOf(runlog, id)).length;
    expect(idsOf(messages)).toEqual(upTo(last).filter((one) => one >= (idsOf(messages)[0] as number)));
  });

  it('closes after its longest time with reconnect, and goes on with no gap and no double', async () => {
    const { id } = await create('ticks');
    const seen: number[] = [];
    const kinds: (string | undefined)[] = [];
    let connects = 0;
    for (let over = false; !over; connects++) {
      const stream = await read(runlog, events(id), seen.length ? { headers: { 'last-event-id': String(seen.at(-1)) } } : {});
      expect(stream.text).toMatch(/^retry: 1000\n\n/);
      seen.push(...idsOf(stream.messages));
      const last = stream.messages.at(-1);
      kinds.push(last?.event);
      if (last?.event === 'reconnect') expect(stream.text).toMatch(/event: reconnect\ndata: \{\}\n\n$/);
      over = last?.event === 'done';
    }
    expect(connects).toBeGreaterThan(1);
    expect(new Set(kinds)).toEqual(new Set(['reconnect', 'done']));
    expect(seen).toEqual(upTo((await historyOf(runlog, id)).length));
  });

  it('is limited per key', async () => {
    const { id } = await create('asks', '?wait=50');
    const headers = { authorization: `Bearer ${runlog.key}`, accept: 'text/event-stream' };
    const open = await Promise.all(Array.from({ length: 3 }, () => fetch(`${runlog.url}${events(id)}`, { headers })));
    const refused = await runlog.call('GET', events(id), undefined, headers);
    expect(refused.body).toMatchObject({ status: 429, code: 'too_many_streams' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    for (const response of open) expect(await response.text()).toMatch(/event: reconnect\ndata: \{\}\n\n$/);
    expect((await runlog.call('POST', `/api/v1/executions/${id}/cancel`)).status).toBe(200);
    expect((await read(runlog, events(id))).messages.at(-1)).toMatchObject({ event: 'done', data: expect.stringContaining('"cancelled"') });
  });
});

describe('logs', () => {
  it('come as pages, filtered, and as ndjson', async () => {
    const { id } = await create('ticks', '?wait=50');
    const lines = await until(
      async () => {
        const { body } = await runlog.call('GET', `/api/v1/executions/${id}/logs`);
        return body.data.filter(({ message }: { message: string }) => /one|two|three/.test(message)).length === 3 && body.data;
      },
      { what: 'the three lines' },
    );
    const seqs: number[] = lines.map(({ seq }: { seq: number }) => seq);
    expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
    expect(lines.find(({ message }: { message: string }) => message.includes('two'))).toEqual({
      seq: expect.any(Number),
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      level: 'warn',
      node_id: 'b',
      attempt: 1,
      message: 'two',
      fields: null,
    });
    const messages = async (query: string) => (await runlog.call('GET', `/api/v1/executions/${id}/logs?${query}`)).body.data.map(({ message }: { message: string }) => message);
    expect(await messages('level=error')).toEqual([expect.stringMatching(/^three/)]);
    expect(await messages('node_id=a&q=ONE')).toEqual(['one']);
    expect((await runlog.call('GET', `/api/v1/executions/${id}/logs?limit=2`)).body).toMatchObject({ data: lines.slice(0, 2), has_more: true, next_cursor: String(seqs[1]) });
    const ndjson = await runlog.call('GET', `/api/v1/executions/${id}/logs?format=ndjson&after=${seqs[1]}`);
    expect(ndjson.headers.get('content-type')).toMatch(/^application\/x-ndjson/);
    expect(
      ndjson.body
        .trimEnd()
        .split('\n')
        .map((line: string) => JSON.parse(line)),
    ).toEqual(lines.slice(2));
  });

  it('are followed live to the end, over reconnects, with no gap and no double', async () => {
    const { id } = await create('ticks');
    const seen: number[] = [];
    const texts: string[] = [];
    for (let over = false; !over; ) {
      const stream = await read(runlog, `/api/v1/executions/${id}/logs?follow=true`, seen.length ? { headers: { 'last-event-id': String(seen.at(-1)) } } : {});
      expect(stream.status).toBe(200);
      seen.push(...idsOf(stream.messages));
      for (const { event, data } of stream.messages) if (event === 'log') texts.push(JSON.parse(data).message);
      over = stream.messages.at(-1)?.event === 'done';
    }
    const { body } = await runlog.call('GET', `/api/v1/executions/${id}/logs`);
    expect(seen).toEqual(body.data.map(({ seq }: { seq: number }) => seq));
    expect(texts.filter((text) => /^(one|two|three)/.test(text))).toHaveLength(3);
    expect((await read(runlog, `/api/v1/executions/${id}/logs?follow=true`, { headers: { 'last-event-id': String(seen.at(-1)) } })).status).toBe(204);
  });
});

describe('a stream over a crash', () => {
  it('goes on from its last id after kill -9 and a start on the same home, with no gap and no double', async () => {
    const { id } = await create('asks', '?wait=50');
    const { id: ticking } = await create('ticks');
    const cut = { asks: read(runlog, events(id)), ticks: read(runlog, events(ticking), { enough: (messages) => idsOf(messages).length >= 4 }) };
    const before = await cut.ticks;
    await runlog.kill();
    const asked = await cut.asks;
    expect(asked.closed).toBe(false);
    runlog = await startStandalone({ home: runlog.home, env });
    await approve(id);
    const resume = async (path: string, seen: number[]) => {
      for (;;) {
        const stream = await read(runlog, path, { headers: { 'last-event-id': String(seen.at(-1)) } });
        if (stream.status === 204) return seen;
        seen.push(...idsOf(stream.messages));
        if (stream.messages.at(-1)?.event === 'done') return seen;
      }
    };
    const [a, b] = await Promise.all([resume(events(id), idsOf(asked.messages)), resume(events(ticking), idsOf(before.messages))]);
    expect(a).toEqual(upTo((await historyOf(runlog, id)).length));
    expect(b).toEqual(upTo((await historyOf(runlog, ticking)).length));
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeJson, partitionOf } from '@runlog/event-log';
import type { AgentFrame, Frame } from '@runlog/execution';
import { until } from '@runlog/testing';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { adminKey, type RunningGateway, startGateway } from '../testing/running-gateway.js';

/** What its agent says in the end; the specs write its frames, as a runner would. */
const TEXT = `Once \u{1f600} upon a time\n\nthere was ${'a word, '.repeat(60)} and no more.`;

let gateway: RunningGateway;
let says: string;

beforeAll(async () => {
  gateway = await startGateway({ RUNLOG_SSE_LIMIT: '0' });
  says = await gateway.publish({
    input_schema: { type: 'object' },
    nodes: [
      { id: 'ask', type: 'approval', config: { prompt: 'Go on?' } },
      { id: 'agent', type: 'transform', config: { expression: '{ "response": input.text }' } },
    ],
    edges: [
      { from: 'start_of_workflow', to: 'ask' },
      { from: 'ask', to: 'agent' },
    ],
  });
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
}, 60_000);

interface Run {
  readonly id: string;
  readonly workspace_id: string;
}

const begin = async (): Promise<Run> => {
  const { status, body } = await gateway.call('POST', `/api/v1/workflows/${says}/executions`, { input: { text: TEXT } });
  if (status !== 201) throw new Error(`Expected an execution, but got ${JSON.stringify(body)}`);
  return body;
};
const finish = (run: Run) => gateway.call('POST', `/api/v1/executions/${run.id}/respond`, { decision: 'approve' });

const send = async ({ id, workspace_id }: Run, attempt: number, ...frames: AgentFrame[]): Promise<void> => {
  const { log } = gateway.service.deps;
  const message = (frame: AgentFrame): Frame => ({
    type: 'agent',
    executionId: id,
    workspaceId: workspace_id,
    node: 'agent',
    attempt,
    generation: attempt,
    at: 1,
    version: 4,
    frame,
  });
  await log.send([{ topic: 'execution-frames', partition: partitionOf(id, log.partitions('execution-frames')), records: frames.map((frame) => encodeJson(id, message(frame))) }]);
};

const content = (from: number, to: number, text = TEXT): AgentFrame => ({ kind: 'content', text: text.slice(from, to), from });

interface Reading {
  readonly after?: string;
  readonly dialect?: string;
  /** Asked after each chunk; true: the connection is cut. */
  readonly enough?: (messages: readonly EventSourceMessage[]) => boolean;
  readonly seen?: (messages: readonly EventSourceMessage[]) => void;
}

/** Reads a stream to its end, or until it is enough. */
const follow = async ({ id }: Run, { after, dialect, enough = () => false, seen }: Reading = {}): Promise<EventSourceMessage[]> => {
  const messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => messages.push(message) });
  const cut = new AbortController();
  const accept = dialect ? `application/vnd.runlog.${dialect}+json` : 'text/event-stream';
  const headers = { authorization: `Bearer ${adminKey}`, accept, ...(after === undefined ? {} : { 'last-event-id': after }) };
  const response = await fetch(`${gateway.url}/api/v1/executions/${id}/stream`, { headers, signal: cut.signal });
  expect(response.status).toBe(200);
  seen?.(messages);
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) {
      parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
      seen?.(messages);
      if (enough(messages)) break;
    }
  } finally {
    cut.abort();
  }
  return messages;
};

const textOf = (messages: readonly EventSourceMessage[], event = 'content') =>
  messages.flatMap((message) => (message.event === event ? [JSON.parse(message.data).content as string] : [])).join('');
const lastId = (messages: readonly EventSourceMessage[]) => messages.findLast(({ id }) => id !== undefined)?.id;

describe('the stream of an agent', () => {
  it('first has what came before, in few frames, then what comes, then the end', async () => {
    const run = await begin();
    await send(run, 1, { kind: 'thinking', text: 'h', from: 0 }, { kind: 'thinking', text: 'm', from: 1 }, { kind: 'tool_start', id: 't1', name: 'find' });
    await send(run, 1, { kind: 'tool_end', id: 't1', name: 'find', summary: '2 hits' }, ...Array.from({ length: 20 }, (_, at) => content(at, at + 1)));
    let soFar = 0;
    const streamed = follow(run, { seen: (messages) => (soFar = textOf(messages).length) });
    await until('what came before was sent', () => soFar === 20);
    await send(run, 1, content(20, 60));
    await until('what came was sent', () => soFar === 60);
    await send(run, 1, content(60, TEXT.length), { kind: 'tool_end', id: 't2', name: 'none' });
    await finish(run);
    const messages = await streamed;
    expect(messages.slice(0, 4).map(({ event, data }) => [event, JSON.parse(data)])).toEqual([
      ['thinking', { content: 'hm' }],
      ['tool_start', { id: 't1', name: 'find' }],
      ['tool_end', { id: 't1', name: 'find', summary: '2 hits' }],
      ['content', { content: TEXT.slice(0, 20) }],
    ]);
    expect(messages.at(-2)).toMatchObject({ event: 'tool_end', data: '{"id":"t2","name":"none"}' });
    expect(messages.at(-1)).toMatchObject({ event: 'done', id: undefined });
    expect(JSON.parse(messages.at(-1)?.data ?? '')).toMatchObject({ output: { response: TEXT } });
    expect(textOf(messages)).toBe(TEXT);
    const ids = messages.slice(0, -1).map(({ id }) => (/^4\.(\d+)$/.exec(id ?? '') ?? [])[1]);
    expect(ids).toEqual([...ids].sort((a, b) => Number(a) - Number(b)));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('of an execution that has ended is its end alone, and for a client that was there what it lacks and the end', async () => {
    const run = await begin();
    let cut: EventSourceMessage[] = [];
    const first = follow(run, { enough: (messages) => textOf(messages).length >= 30 });
    await send(run, 1, content(0, 30), { kind: 'fence' });
    cut = await first;
    await send(run, 1, content(30, 90));
    await send(run, 1, content(90, TEXT.length));
    const body = (await finish(run)).body;
    expect((await follow(run)).map(({ event }) => event)).toEqual(['done']);
    for (const dialect of ['agents', 'canonical']) {
      const rest = await follow(run, { after: lastId(cut) as string, dialect });
      expect(textOf(cut) + textOf(rest)).toBe(TEXT);
      expect(rest.map(({ event }) => event)).toEqual(['content', 'done']);
    }
    // An id that no frame has had yet is none.
    expect((await follow(run, { after: '4.999999999999' })).map(({ event }) => event)).toEqual(['done']);
    const { status } = await gateway.call('GET', `/api/v1/executions/${run.id}/stream`, undefined, { 'last-event-id': `${body.version}.1` });
    expect(status).toBe(204);
  });

  it('is the final text to the byte for many that lose their connections, over frames that come twice and runners that take over', async () => {
    const run = await begin();
    const read = async (nth: number): Promise<EventSourceMessage[]> => {
      const all: EventSourceMessage[] = [];
      for (let connection = 0; ; connection++) {
        const wanted = 1 + ((nth * 7 + connection * 3) % 5);
        const after = lastId(all);
        all.push(...(await follow(run, { ...(after && { after }), enough: (messages) => connection < 6 && messages.length >= wanted })));
        if (all.at(-1)?.event === 'done') return all;
      }
    };
    const readers = Array.from({ length: 16 }, (_, nth) => read(nth));
    const size = 23;
    let attempt = 1;
    for (let at = 0; at < TEXT.length; at += size) {
      const frames = [content(at, at + 9), content(at + 9, at + size)];
      await send(run, attempt, { kind: 'tool_start', id: `t${at}`, name: 'find' }, ...frames, { kind: 'tool_end', id: `t${at}`, name: 'find' });
      // The same again, as after an answer of the log that got lost.
      await send(run, attempt, ...frames, { kind: 'tool_end', id: `t${at}`, name: 'find' });
      if (at % (size * 4) !== 0) continue;
      // Another runner takes over, and the one before does not know yet.
      attempt++;
      await send(run, attempt, { kind: 'fence' });
      await send(run, attempt - 1, content(0, 50, 'x'.repeat(900)), content(at + size, at + size + 40, 'y'.repeat(TEXT.length)), {
        kind: 'tool_start',
        id: `old${at}`,
        name: 'find',
      });
    }
    await finish(run);
    for (const messages of await Promise.all(readers)) {
      expect(textOf(messages)).toBe(TEXT);
      const tools = messages.filter(({ event }) => event === 'tool_start').map(({ data }) => JSON.parse(data).id as string);
      expect(tools).toEqual(Array.from({ length: Math.ceil(TEXT.length / size) }, (_, at) => `t${at * size}`));
    }
  }, 120_000);

  it('has what was lost on its way from the final text', async () => {
    const run = await begin();
    let soFar = 0;
    const streamed = follow(run, { seen: (messages) => (soFar = textOf(messages).length) });
    await send(run, 1, content(0, 40));
    await until('its beginning was sent', () => soFar === 40);
    await send(run, 1, content(90, 140));
    await finish(run);
    const messages = await streamed;
    expect(messages.map(({ event }) => event)).toEqual(['content', 'content', 'done']);
    expect(textOf(messages)).toBe(TEXT);
  });

  it('shows nothing to another workspace', async () => {
    const run = await begin();
    const other = await gateway.call('POST', '/api/v1/workspaces', { slug: 'other', name: 'Other', timezone: 'UTC' });
    const { status } = await gateway.call('GET', `/api/v1/executions/${run.id}/stream`, undefined, { authorization: `Bearer ${other.body.api_key.key}` });
    expect(status).toBe(404);
  });

  it('is read on by a client that takes nothing for a while, from what is stored', async () => {
    const run = await begin();
    const pieces = Array.from({ length: 1000 }, (_, at) => `${at} `.padEnd(3000, '.'));
    const { promise: enough, resolve: goOn } = Promise.withResolvers<void>();
    const response = await fetch(`${gateway.url}/api/v1/executions/${run.id}/stream`, { headers: { authorization: `Bearer ${adminKey}` } });
    const messages: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (message) => messages.push(message) });
    const reading = (async () => {
      await enough;
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
    })();
    for (let at = 0; at < pieces.length; at += 25) await send(run, 1, ...pieces.slice(at, at + 25).map((text, n) => ({ kind: 'content' as const, from: (at + n) * 3000, text })));
    goOn();
    await finish(run);
    await reading;
    expect(messages.at(-1)?.event).toBe('done');
    expect(textOf(messages) === pieces.join('')).toBe(true);
  }, 120_000);
});

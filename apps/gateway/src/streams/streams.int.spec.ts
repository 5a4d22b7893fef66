import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { adminKey, askingDefinition, pureDefinition, type RunningGateway, startGateway } from '../testing/running-gateway.js';

let gateway: RunningGateway;
let pure: string;
let asking: string;

beforeAll(async () => {
  gateway = await startGateway({ RUNLOG_SSE_MAX_SECONDS: '2', RUNLOG_SSE_LIMIT: '40' });
  pure = await gateway.publish(pureDefinition);
  asking = await gateway.publish(askingDefinition);
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
}, 60_000);

const create = async (workflow: string, input: object) => (await gateway.call('POST', `/api/v1/workflows/${workflow}/executions`, { input })).body;
const approve = (id: string) => gateway.call('POST', `/api/v1/executions/${id}/respond`, { decision: 'approve' });

interface Stream {
  readonly status: number;
  readonly messages: readonly EventSourceMessage[];
  readonly retry: number | undefined;
}

/** Reads a stream to its end, or until `enough` says so. */
const follow = async (path: string, headers: Record<string, string> = {}, enough: (messages: readonly EventSourceMessage[]) => boolean = () => false): Promise<Stream> => {
  const abort = new AbortController();
  const messages: EventSourceMessage[] = [];
  let retry: number | undefined;
  const parser = createParser({ onEvent: (message) => messages.push(message), onRetry: (ms) => (retry = ms) });
  const response = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${adminKey}`, accept: 'text/event-stream', ...headers }, signal: abort.signal });
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body ?? []) {
      parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
      if (enough(messages)) break;
    }
  } finally {
    abort.abort();
  }
  return { status: response.status, messages, retry };
};

const versions = ({ messages }: Stream) => messages.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]));
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

describe('the event stream', () => {
  it('of a finished execution is its history and done', async () => {
    const { id, version } = await create(pure, { n: 1 });
    const stream = await follow(`/api/v1/executions/${id}/events`);
    expect([stream.status, stream.retry]).toEqual([200, 1000]);
    expect(versions(stream)).toEqual(upTo(version));
    expect(stream.messages[0]).toMatchObject({ id: '1', event: 'ExecutionCreated' });
    expect(stream.messages.at(-1)).toMatchObject({ id: undefined, event: 'done', data: JSON.stringify({ status: 'completed', version }) });
  });

  it('joins history and live events without a gap or a double, for many at once', async () => {
    const { id } = await create(asking, { total: 1 });
    const streams = Array.from({ length: 20 }, () => follow(`/api/v1/executions/${id}/events`));
    const { body } = await approve(id);
    for (const stream of await Promise.all(streams)) {
      expect(versions(stream)).toEqual(upTo(body.version));
      expect(stream.messages.at(-1)?.event).toBe('done');
    }
  });

  it('goes on after Last-Event-ID, and is 204 at the end', async () => {
    const { id, version } = await create(pure, { n: 1 });
    const rest = await follow(`/api/v1/executions/${id}/events?last_event_id=1`, { 'last-event-id': '3' });
    expect(versions(rest)).toEqual(upTo(version).slice(3));
    expect((await follow(`/api/v1/executions/${id}/events`, { 'last-event-id': String(version) })).status).toBe(204);
    expect((await follow(`/api/v1/executions/${id}/events?last_event_id=${version}`)).status).toBe(204);
    expect((await follow(`/api/v1/executions/${id}/events`, { 'last-event-id': 'x' })).status).toBe(400);
  });

  it('from now leaves the history out', async () => {
    const { id, version } = await create(asking, { total: 1 });
    const stream = follow(`/api/v1/executions/${id}/events?from=now`);
    const opened = Date.now() + 5000;
    while (gateway.service.streams.count === 0 && Date.now() < opened) await new Promise((resolve) => setImmediate(resolve));
    const { body } = await approve(id);
    expect(versions(await stream)).toEqual(upTo(body.version).slice(version));
  });

  it('tells its client to reconnect after the longest time, and loses nothing over it', async () => {
    const { id } = await create(asking, { total: 1 });
    const first = await follow(`/api/v1/executions/${id}/events`);
    expect(first.messages.at(-1)).toMatchObject({ event: 'reconnect', data: '{}', id: undefined });
    const { body } = await approve(id);
    const second = await follow(`/api/v1/executions/${id}/events`, { 'last-event-id': String(versions(first).at(-1)) });
    expect([...versions(first), ...versions(second)]).toEqual(upTo(body.version));
  });

  it('is refused above the limit per key', async () => {
    const { id } = await create(asking, { total: 1 });
    const open = Array.from({ length: 41 }, () => follow(`/api/v1/executions/${id}/events`));
    const statuses = (await Promise.all(open)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
    expect(statuses.filter((status) => status === 200).length).toBe(40);
  });

  it('ends soon after its key was revoked', async () => {
    const made = (await gateway.call('POST', '/api/v1/api-keys', { name: 'v', role: 'viewer' })).body;
    const { id } = await create(asking, { total: 1 });
    const open = follow(`/api/v1/executions/${id}/events`, { authorization: `Bearer ${made.key}` });
    await gateway.call('DELETE', `/api/v1/api-keys/${made.id}`);
    const again = await open;
    expect([200, 401]).toContain(again.status);
    expect((await follow(`/api/v1/executions/${id}/events`, { authorization: `Bearer ${made.key}` })).status).toBe(401);
  });
});

describe('a stream whose last id never was', () => {
  it('begins with how the execution stands, and goes on from there', async () => {
    const { id, version } = await create(asking, { total: 1 });
    const { messages } = await follow(`/api/v1/executions/${id}/events`, { 'last-event-id': '999' });
    expect(messages[0]).toMatchObject({ id: String(version), event: 'reset' });
    expect(JSON.parse(messages[0]?.data ?? '')).toMatchObject({ object: 'execution', id, version, status: 'awaiting_approval', stats: expect.any(Object) });
    const { body } = await approve(id);
    const rest = await follow(`/api/v1/executions/${id}/events`, { 'last-event-id': messages[0]?.id ?? '' });
    expect(versions(rest)).toEqual(upTo(body.version).slice(version));
  });

  it('of log lines begins with reset and every line', async () => {
    const { id } = await create(pure, { n: 1 });
    const { messages } = await follow(`/api/v1/executions/${id}/logs?follow=true`, { 'last-event-id': '999999999' });
    expect(messages.map(({ event, id: seq }) => [event, seq])).toEqual([
      ['reset', '0'],
      ['done', undefined],
    ]);
  });
});

describe('the stream of frames', () => {
  it('of an execution that has ended is its end alone, an output that is no object wrapped', async () => {
    const { id } = await create(pure, { n: 7 });
    const { messages } = await follow(`/api/v1/executions/${id}/stream`);
    expect(messages).toMatchObject([{ event: 'done', id: undefined }]);
    expect(JSON.parse(messages[0]?.data ?? '')).toEqual({ output: { value: 14 }, token_usage: expect.objectContaining({ total_tokens: 0 }) });
    const waiting = await create(asking, { total: 1 });
    const open = follow(`/api/v1/executions/${waiting.id}/stream`);
    await approve(waiting.id);
    expect(JSON.parse((await open).messages[0]?.data ?? '')).toMatchObject({ output: { response: 'approve' } });
    expect((await follow(`/api/v1/executions/${id}/stream`, { 'last-event-id': '99.1' })).status).toBe(204);
  });

  it('outlasts the longest time of the others, and tells of another end', async () => {
    const { id } = await create(asking, { total: 1 });
    const open = follow(`/api/v1/executions/${id}/stream`);
    expect((await follow(`/api/v1/executions/${id}/events`)).messages.at(-1)?.event).toBe('reconnect');
    await gateway.call('POST', `/api/v1/executions/${id}/cancel`, { reason: 'enough' });
    const { messages } = await open;
    expect(messages.map(({ event }) => event)).toEqual(['error']);
    expect(JSON.parse(messages[0]?.data ?? '')).toEqual({ message: 'The execution was cancelled: enough', code: 'cancelled', status: 'cancelled' });
  });
});

describe('a client that goes away', () => {
  it('leaves nothing behind', async () => {
    const { id } = await create(asking, { total: 1 });
    const socket = request(`${gateway.url}/api/v1/executions/${id}/events`, { headers: { authorization: `Bearer ${adminKey}`, accept: 'text/event-stream' } });
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.on('response', (response) => response.once('data', () => resolve())).end());
    expect(gateway.service.streams.count).toBeGreaterThan(0);
    socket.destroy();
    const deadline = Date.now() + 3000;
    while (gateway.service.streams.count > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(gateway.service.streams.count).toBe(0);
  });
});

describe('the log stream', () => {
  it('ends with done, and is 204 for whoever has everything', async () => {
    const { id, version } = await create(pure, { n: 1 });
    const stream = await follow(`/api/v1/executions/${id}/logs?follow=true`);
    expect(stream.messages.at(-1)).toMatchObject({ event: 'done', data: JSON.stringify({ status: 'completed', version }) });
    expect((await follow(`/api/v1/executions/${id}/logs?follow=true`, { 'last-event-id': '0' })).status).toBe(204);
  });
});

import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@runlog/testing';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { adminKey, askingDefinition, pureDefinition, type RunningGateway, startGateway } from '../testing/running-gateway.js';

let gateway: RunningGateway;
let pure: string;
let asking: string;

beforeAll(async () => {
  gateway = await startGateway({ RUNLOG_SSE_LIMIT: '40' });
  pure = await gateway.publish(pureDefinition);
  asking = await gateway.publish(askingDefinition);
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
}, 60_000);

const create = async (workflow: string, input: object, at = gateway) => (await at.call('POST', `/api/v1/workflows/${workflow}/executions`, { input })).body;
const approve = (id: string, at = gateway) => at.call('POST', `/api/v1/executions/${id}/respond`, { decision: 'approve' });

interface Stream {
  readonly status: number;
  readonly messages: readonly EventSourceMessage[];
  readonly retry: number | undefined;
}

/** Reads a stream to its end; `opened` is told when the answer has begun. */
const follow = async (
  path: string,
  headers: Record<string, string> = {},
  { at = gateway, opened = () => undefined }: { at?: RunningGateway; opened?: () => void } = {},
): Promise<Stream> => {
  const messages: EventSourceMessage[] = [];
  let retry: number | undefined;
  const parser = createParser({ onEvent: (message) => messages.push(message), onRetry: (ms) => (retry = ms) });
  const response = await fetch(`${at.url}${path}`, { headers: { authorization: `Bearer ${adminKey}`, accept: 'text/event-stream', ...headers } });
  opened();
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
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
    const { promise: begun, resolve: opened } = Promise.withResolvers<void>();
    const stream = follow(`/api/v1/executions/${id}/events?from=now`, {}, { opened });
    await begun;
    const { body } = await approve(id);
    expect(versions(await stream)).toEqual(upTo(body.version).slice(version));
  });

  it('is refused above the limit per key, and not below it', async () => {
    const { key } = (await gateway.call('POST', '/api/v1/api-keys', { name: 'many', role: 'viewer' })).body;
    const { id } = await create(asking, { total: 1 });
    const headers = { authorization: `Bearer ${key}` };
    const begun = Array.from({ length: 40 }, () => Promise.withResolvers<void>());
    const open = begun.map(({ resolve: opened }) => follow(`/api/v1/executions/${id}/events`, headers, { opened }));
    await Promise.all(begun.map(({ promise }) => promise));
    expect((await gateway.call('GET', `/api/v1/executions/${id}/events`, undefined, { ...headers, accept: 'text/event-stream' })).body).toMatchObject({
      status: 429,
      code: 'too_many_streams',
      detail: 'Expected at most 40 open streams with this key, but there would be 41',
    });
    await approve(id);
    expect(new Set((await Promise.all(open)).map(({ status, messages }) => `${status} ${messages.at(-1)?.event}`))).toEqual(new Set(['200 done']));
  });

  it('ends soon after its key was revoked', async () => {
    const made = (await gateway.call('POST', '/api/v1/api-keys', { name: 'v', role: 'viewer' })).body;
    const headers = { authorization: `Bearer ${made.key}` };
    const { id } = await create(asking, { total: 1 });
    const { promise: begun, resolve: opened } = Promise.withResolvers<void>();
    const open = follow(`/api/v1/executions/${id}/events`, headers, { opened });
    await begun;
    await gateway.call('DELETE', `/api/v1/api-keys/${made.id}`);
    expect((await open).messages.map(({ event }) => event)).not.toContain('done');
    expect((await follow(`/api/v1/executions/${id}/events`, headers)).status).toBe(401);
  });
});

describe('after the longest time', () => {
  let brief: RunningGateway;
  let waits: string;
  beforeAll(async () => {
    brief = await startGateway({ RUNLOG_SSE_MAX_SECONDS: '1' });
    waits = await brief.publish(askingDefinition);
  }, 60_000);
  afterAll(() => brief?.stop(), 60_000);

  it('a stream tells its client to reconnect, who loses nothing over it', async () => {
    const { id } = await create(waits, { total: 1 }, brief);
    const streamed: Stream[] = [await follow(`/api/v1/executions/${id}/events`, {}, { at: brief })];
    expect(streamed[0]?.messages.at(-1)).toMatchObject({ event: 'reconnect', data: '{}', id: undefined });
    const { body } = await approve(id, brief);
    const seen = () => streamed.flatMap(versions);
    while (streamed.at(-1)?.messages.at(-1)?.event === 'reconnect')
      streamed.push(await follow(`/api/v1/executions/${id}/events`, { 'last-event-id': String(seen().at(-1)) }, { at: brief }));
    expect(seen()).toEqual(upTo(body.version));
  });

  it('the stream of frames goes on, and tells of another end', async () => {
    const { id } = await create(waits, { total: 1 }, brief);
    const { promise: begun, resolve: opened } = Promise.withResolvers<void>();
    const open = follow(`/api/v1/executions/${id}/stream`, {}, { at: brief, opened });
    await begun;
    expect((await follow(`/api/v1/executions/${id}/events`, {}, { at: brief })).messages.at(-1)?.event).toBe('reconnect');
    await brief.call('POST', `/api/v1/executions/${id}/cancel`, { reason: 'enough' });
    const { messages } = await open;
    expect(messages.map(({ event }) => event)).toEqual(['error']);
    expect(JSON.parse(messages[0]?.data ?? '')).toEqual({ message: 'The execution was cancelled: enough', code: 'cancelled', status: 'cancelled' });
  });
});

describe('a stream whose last id never was', () => {
  it('begins with how the execution stands, and goes on from there', async () => {
    const { id, version } = await create(asking, { total: 1 });
    const { promise: begun, resolve: opened } = Promise.withResolvers<void>();
    const stream = follow(`/api/v1/executions/${id}/events`, { 'last-event-id': '999' }, { opened });
    await begun;
    const { body } = await approve(id);
    const [reset, ...rest] = (await stream).messages;
    expect(reset).toMatchObject({ id: String(version), event: 'reset' });
    expect(JSON.parse(reset?.data ?? '')).toMatchObject({ object: 'execution', id, version, status: 'awaiting_approval', stats: expect.any(Object) });
    expect(rest.flatMap((message) => message.id ?? [])).toEqual(upTo(body.version).slice(version).map(String));
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
});

describe('a client that goes away', () => {
  it('leaves nothing behind', async () => {
    const { id } = await create(asking, { total: 1 });
    const socket = request(`${gateway.url}/api/v1/executions/${id}/events`, { headers: { authorization: `Bearer ${adminKey}`, accept: 'text/event-stream' } });
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.on('response', (response) => response.once('data', () => resolve())).end());
    expect(gateway.service.streams.count).toBeGreaterThan(0);
    socket.destroy();
    await until('no stream is open', () => gateway.service.streams.count === 0);
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

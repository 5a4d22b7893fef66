import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Json } from '@runlog/execution';
import { Egress } from '../egress/egress.js';
import { contextFor, failureOf, type Hit, Sink } from '../testing/fixture.js';
import { http } from './http.js';

describe('http', () => {
  let sink: Sink;
  let egress: Egress;
  let answer: Parameters<typeof Sink.open>[0];
  beforeEach(async () => {
    egress = new Egress({ allow: ['127.0.0.0/8', 'localhost'], denyPorts: [] });
    sink = await Sink.open((hit, response) => answer?.(hit, response), '127.0.0.1');
    answer = (_hit, response) => void response.setHeader('content-type', 'application/json; charset=utf-8').end('{"a":1}');
  });
  afterEach(async () => {
    await Promise.all([sink.close(), egress.close()]);
  });

  const ask = (config: { [member: string]: Json } = {}, more: { secrets?: Record<string, string>; signal?: AbortSignal; effect?: 'at_most_once' | 'keyed' } = {}) =>
    http.run(contextFor({ url: `http://127.0.0.1:${sink.port}/x`, ...config }, { egress, ...more }));
  const lastHit = (): Hit => sink.hits.at(-1) as Hit;

  it('gives status, headers and the parsed body', async () => {
    await expect(ask()).resolves.toMatchObject({ output: { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body: { a: 1 } } });
  });

  it('sends method, query, headers and a JSON body', async () => {
    await ask({ method: 'PUT', url: `http://127.0.0.1:${sink.port}/x?k=1`, query: { q: ['a b', 2], n: null }, headers: { 'X-Mine': 7 }, body: { deep: [1] } });
    expect(lastHit()).toMatchObject({ method: 'PUT', path: '/x?k=1&q=a+b&q=2', body: '{"deep":[1]}', headers: { 'x-mine': '7', 'content-type': 'application/json' } });
  });

  it('names a repeat of POST and PATCH by an idempotency key, unless the config does', async () => {
    await ask({ method: 'POST' });
    expect(lastHit().headers['idempotency-key']).toBe('execution:node');
    await ask({ method: 'PATCH', headers: { 'Idempotency-Key': 'mine' } });
    expect(lastHit().headers['idempotency-key']).toBe('mine');
    await ask();
    expect(lastHit().headers['idempotency-key']).toBeUndefined();
    await ask({ method: 'DELETE' }, { effect: 'keyed' });
    expect(lastHit().headers['idempotency-key']).toBe('execution:node');
  });

  it('goes on in the trace of its execution, unless the config names another', async () => {
    const traced = (headers: Record<string, string>) => ({ ...contextFor({ url: `http://127.0.0.1:${sink.port}/x`, headers }, { egress }), traceparent: 'of the attempt' });
    await http.run(traced({}));
    expect(lastHit().headers.traceparent).toBe('of the attempt');
    await http.run(traced({ Traceparent: 'mine' }));
    expect(lastHit().headers.traceparent).toBe('mine');
    await ask();
    expect(lastHit().headers.traceparent).toBeUndefined();
  });

  it('knows that nothing has left where there was no connection', async () => {
    const { port } = sink;
    await sink.close();
    expect(await failureOf(ask({ url: `http://127.0.0.1:${port}/` }))).toMatchObject({ code: 'http_unreachable', effect: 'none' });
    expect(await failureOf(ask({ url: 'http://10.0.0.1/' }))).toMatchObject({ code: 'http_forbidden', effect: 'none' });
    sink = await Sink.open((hit, response) => answer?.(hit, response), '127.0.0.1');
  });

  it('does not know what became of a request whose connection broke, or whose answer says nothing of it', async () => {
    answer = (_hit, reply) => void reply.destroy();
    expect(await failureOf(ask({ method: 'POST' }))).toMatchObject({ code: 'http_unreachable', effect: 'unknown' });
    answer = (_hit, reply) => void reply.writeHead(200, { 'content-length': 100 }).write('{"paid":', () => reply.destroy());
    expect(await failureOf(ask({ method: 'POST' }))).toMatchObject({ effect: 'unknown' });
    answer = (_hit, reply) => void reply.end('<html>');
    expect(await failureOf(ask({ method: 'POST', response: 'json' }))).toMatchObject({ code: 'http_invalid_json', effect: 'unknown' });
    answer = (_hit, reply) => void reply.writeHead(504).end();
    expect(await failureOf(ask({ method: 'POST' }))).toMatchObject({ code: 'http_status', effect: 'unknown' });
  });

  it('knows of a failure that the server has answered with', async () => {
    for (const status of [400, 409, 429, 500]) {
      answer = (_hit, reply) => void reply.writeHead(status).end();
      expect((await failureOf(ask({ method: 'POST' }))).effect).toBeUndefined();
    }
  });

  it('sends what has an effect on a connection of its own: one that was kept may be closing', async () => {
    const ports: (number | undefined)[] = [];
    answer = (hit, reply) => {
      ports.push(hit.port);
      reply.end('{}');
    };
    for (let n = 0; n < 3; n++) await ask({}, { effect: 'at_most_once' });
    expect(new Set(ports).size).toBe(3);
  });

  it.each([
    ['bearer', undefined, 'authorization', 'Bearer user:pass'],
    ['basic', undefined, 'authorization', `Basic ${Buffer.from('user:pass').toString('base64')}`],
    ['header', 'X-Key', 'x-key', 'user:pass'],
  ])('authenticates by %s with a secret', async (type, header, name, value) => {
    await ask({ auth: { type, secret: 'token', ...(header && { header }) } }, { secrets: { token: 'user:pass' } });
    expect(lastHit().headers[name]).toBe(value);
  });

  it.each([
    ['text', '{"a":1}', '{"a":1}'],
    ['json', '[1]', [1]],
  ])('reads the body as %s when told to', async (response, text, body) => {
    answer = (_hit, reply) => void reply.end(text);
    await expect(ask({ response })).resolves.toMatchObject({ output: { body } });
  });

  it('fails on a body that is not the JSON it was told to expect', async () => {
    answer = (_hit, reply) => void reply.end('<html>');
    expect(await failureOf(ask({ response: 'json' }))).toMatchObject({ code: 'http_invalid_json', retryable: false });
    answer = (_hit, reply) => void reply.end('['.repeat(10_000) + ']'.repeat(10_000));
    expect(await failureOf(ask({ response: 'json' }))).toMatchObject({ code: 'http_invalid_json', message: expect.stringContaining('deeper') });
  });

  it.each([
    [400, false],
    [404, false],
    [408, true],
    [409, false],
    [429, true],
    [500, true],
    [503, true],
  ])('fails on %i, retryable: %p', async (status, retryable) => {
    answer = (_hit, reply) => void reply.writeHead(status).end('no');
    expect(await failureOf(ask())).toMatchObject({ code: 'http_status', retryable, message: expect.stringContaining(`${status}: no`) });
  });

  it('honours Retry-After in seconds and as a date', async () => {
    answer = (_hit, reply) => void reply.writeHead(429, { 'retry-after': '7' }).end();
    expect((await failureOf(ask())).retryAfterMs).toBe(7000);
    answer = (_hit, reply) => void reply.writeHead(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }).end();
    expect((await failureOf(ask())).retryAfterMs).toBeGreaterThan(50_000);
  });

  it('takes the statuses it expects, and no others', async () => {
    answer = (_hit, reply) => void reply.writeHead(404).end();
    await expect(ask({ expect_status: [200, 404] })).resolves.toMatchObject({ output: { status: 404 } });
    await expect(ask({ expect_status: ['4xx'] })).resolves.toMatchObject({ output: { status: 404 } });
    expect((await failureOf(ask({ expect_status: 200 }))).code).toBe('http_status');
  });

  it('takes a body of many megabytes, and refuses one beyond 32 MiB, also one that unfolds to it', async () => {
    answer = (_hit, reply) => void reply.end(Buffer.alloc(10_000_000, 'x'));
    await expect(ask({ response: 'text' })).resolves.toMatchObject({ output: { body: 'x'.repeat(10_000_000) } });
    answer = (_hit, reply) => void reply.end(Buffer.alloc(32 * 1024 * 1024 + 1, 'x'));
    expect(await failureOf(ask())).toMatchObject({ code: 'http_too_large', retryable: false });
    answer = (_hit, reply) => void reply.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(50 * 1024 * 1024)));
    expect((await failureOf(ask())).code).toBe('http_too_large');
    answer = (_hit, reply) => void reply.setHeader('content-encoding', 'gzip').end(gzipSync('hello'));
    await expect(ask()).resolves.toMatchObject({ output: { body: 'hello' } });
  });

  it('follows five redirects and not six; 303 becomes GET, 307 keeps the body', async () => {
    answer = (hit, reply) => {
      const left = Number(hit.path.slice(1));
      if (left === 0) return void reply.end('there');
      reply.writeHead(left % 2 ? 307 : 302, { location: `/${left - 1}` }).end();
    };
    await expect(ask({ url: `http://127.0.0.1:${sink.port}/5` })).resolves.toMatchObject({ output: { status: 200, body: 'there' } });
    expect((await failureOf(ask({ url: `http://127.0.0.1:${sink.port}/6` }))).code).toBe('http_redirects');
    await ask({ method: 'POST', url: `http://127.0.0.1:${sink.port}/1`, body: 'kept' });
    expect(lastHit()).toMatchObject({ method: 'POST', body: 'kept' });
    answer = (hit, reply) => void (hit.path === '/x' ? reply.writeHead(303, { location: '/y' }).end() : reply.end());
    await ask({ method: 'POST', body: 'dropped' });
    expect(lastHit()).toMatchObject({ method: 'GET', path: '/y', body: '' });
  });

  it('takes credentials along to its own origin only', async () => {
    const other = await Sink.open(undefined, '127.0.0.1');
    answer = (_hit, reply) => void reply.writeHead(302, { location: `http://127.0.0.1:${other.port}/` }).end();
    const auths: Json[] = [
      { type: 'bearer', secret: 's' },
      { type: 'header', header: 'X-Mine', secret: 's' },
    ];
    for (const auth of auths) await ask({ auth, headers: { Cookie: 'c=1', 'X-Plain': '1' } }, { secrets: { s: 'token' } });
    expect(other.hits).toHaveLength(2);
    for (const { headers } of other.hits) {
      expect(headers).toMatchObject({ 'x-plain': '1' });
      expect([headers.authorization, headers.cookie, headers['x-mine']]).toEqual([undefined, undefined, undefined]);
    }
    await other.close();
  });

  it.each([
    [{ url: 'not a url' }],
    [{ url: 5 }],
    [{ headers: { Host: 'other' } }],
    [{ headers: { 'Transfer-Encoding': 'chunked' } }],
    [{ headers: { 'X-A': 'a\r\nX-B: b' } }],
    [{ headers: { 'X A': '1' } }],
  ] as { [member: string]: Json }[][])('refuses %j before anything is sent', async (config) => {
    expect(await failureOf(ask(config))).toMatchObject({ code: 'http_invalid', retryable: false });
    expect(sink.hits).toEqual([]);
  });

  it.each(['http://me:hunter2@127.0.0.1/', 'http://me:hunter2@127.0.0.1:99999/', 'http//me:hunter2@127.0.0.1'])(
    'refuses %s for good, and does not repeat the password',
    async (url) => {
      const { code, message, retryable } = await failureOf(ask({ url }));
      expect({ code, retryable }).toEqual({ code: 'http_invalid', retryable: false });
      expect(message).toMatch(/^Expected a URL/);
      expect(message).not.toContain('hunter2');
      expect(sink.hits).toEqual([]);
    },
  );

  it('fails, to be tried again, at a host that is not there', async () => {
    const gone = await Sink.open(undefined, '127.0.0.1');
    await gone.close();
    expect(await failureOf(ask({ url: `http://127.0.0.1:${gone.port}/` }))).toMatchObject({ code: 'http_unreachable', retryable: true });
    expect(await failureOf(ask({ url: 'http://no-such-host.invalid/' }))).toMatchObject({ code: 'http_unreachable', retryable: true });
  });

  it('ends at once when aborted, in the headers as in the body', async () => {
    for (const begun of [false, true]) {
      const controller = new AbortController();
      answer = (_hit, reply) => {
        if (begun) reply.write('some');
        setTimeout(() => controller.abort(new Error('stop now')), 20);
      };
      expect((await failureOf(ask({}, { signal: controller.signal }))).message).toBe('stop now');
    }
  });

  it('ends at once when aborted while it waits for a connection', async () => {
    const unresolved = Promise.withResolvers<never>();
    const lost = new Egress({ allow: [], denyPorts: [] }, () => unresolved.promise);
    const asked = http.run(contextFor({ url: 'http://somewhere.example/' }, { egress: lost, signal: AbortSignal.timeout(20) }));
    expect((await failureOf(asked)).name).toBe('TimeoutError');
    unresolved.reject(new Error('nobody knows'));
    await lost.close();
  });

  it('reaches a server that is slow with others', async () => {
    const many = 100;
    const all = Promise.withResolvers<void>();
    answer = () => sink.hits.length === many && all.resolve();
    const controller = new AbortController();
    const asked = Array.from({ length: many }, () => failureOf(ask({}, { signal: controller.signal })));
    await all.promise;
    controller.abort(new Error('stop now'));
    expect(new Set((await Promise.all(asked)).map(({ message }) => message))).toEqual(new Set(['stop now']));
  });
});

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { read } from '../../journeys/streaming.js';
import { type Execution, misfits, type Product, startProduct, type Table } from '../product.js';
import { asking, doubling, failing, lasting, questioning } from '../workflows.js';
import { clientReady, publishedClient } from './published-client.js';

jest.setTimeout(150_000);

/** "Execution Response Fields", and two that its client libraries read besides. */
const page: Table = {
  id: 'ksuid',
  agent_id: 'ksuid | null',
  agent_version_id: 'ksuid | null',
  workspace_id: 'ksuid',
  user_id: 'ksuid | null',
  session_id: 'string | null',
  status: 'string',
  input: 'object',
  output: 'object | null',
  error: 'string | null',
  metadata: 'object',
  token_usage: 'object',
  cost: 'float',
  duration_ms: 'integer | null',
  trace_id: 'string | null',
  started_at: 'timestamp | null',
  completed_at: 'timestamp | null',
  created_at: 'timestamp',
  execution_id: 'ksuid',
  is_terminal: 'boolean',
};
const tokens: Table = { prompt_tokens: 'integer', completion_tokens: 'integer', total_tokens: 'integer' };
const words = ['pending', 'running', 'completed', 'failed', 'cancelled', 'awaiting_approval', 'rejected'];
const unknown = '0ujtsYcgvSTl8PAuAdqWYSMnLOv';

let product: Product;

beforeAll(async () => {
  product = await startProduct('agents');
  for (const definition of [doubling, failing, asking, questioning, lasting]) await product.publish(definition);
}, 120_000);
afterAll(() => product?.discard());

/** Created as the client would: what comes back stands in `data`. */
const create = async (workflow: string, body: object, query = '?wait=50') => product.as('POST', `/api/v1/workflows/${workflow}/executions${query}`, body);
const get = async (id: string, query = ''): Promise<Execution> => (await product.as('GET', `/api/v1/executions/${id}${query}`)).body.data;

describe('Execution Response Fields', () => {
  it('are those of the page, each of its type, and no other, in every state', async () => {
    const { status, body } = await create('doubling', { input: { n: 21 } });
    expect([status, Object.keys(body)]).toEqual([200, ['data']]);
    const { version } = (await product.call('GET', `/api/v1/executions/${body.data.id}`)).body;
    for (let at = 1; at <= version; at++) {
      const one = await get(body.data.id, `?at_version=${at}`);
      expect([misfits(one, page), misfits(one.token_usage, tokens)]).toEqual([[], []]);
      expect(words).toContain(one.status);
    }
    expect(body.data).toMatchObject({ status: 'completed', is_terminal: true, input: { n: 21 }, output: { doubled: 42 }, error: null, cost: 0, execution_id: body.data.id });
    expect(body.data.duration_ms).toBe(Date.parse(body.data.completed_at) - Date.parse(body.data.started_at));
  });

  it('hold ids as KSUIDs: of the time and the bytes of the UUID', async () => {
    const { data } = (await create('doubling', { input: { n: 1 } })).body;
    const canonical = (await product.call('GET', `/api/v1/executions/${data.id}`)).body;
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    const bytes = [...(data.id as string)].reduce((number, digit) => number * 62n + BigInt(digits.indexOf(digit)), 0n);
    expect((bytes & ((1n << 128n) - 1n)).toString(16).padStart(32, '0')).toBe(canonical.id.replaceAll('-', ''));
    expect(Number(bytes >> 128n) + 1_400_000_000).toBe(Math.floor(Date.parse(canonical.created_at) / 1000));
    for (const ref of [data.id, canonical.id, canonical.hashid, canonical.key]) expect((await get(ref)).id).toBe(data.id);
  });

  it('have the output null until there is one, and wrapped where it is no object', async () => {
    const { data } = (await create('asking', { input: { total: 1 } })).body;
    expect(data.output).toBeNull();
    await product.call('POST', `/api/v1/executions/${data.id}/respond`, { decision: 'approve' });
    await product.once(data.id, 'the end', ({ is_terminal }) => is_terminal);
    expect((await get(data.id)).output).toEqual({ response: 'approve' });
  });
});

describe('Execution Lifecycle', () => {
  const lifeOf = async (id: string): Promise<string[]> => {
    const { version } = await product.once(id, 'the end', ({ is_terminal }) => is_terminal);
    const said: string[] = await Promise.all(Array.from({ length: version }, async (_, at) => (await get(id, `?at_version=${at + 1}`)).status));
    return said.filter((word, at) => word !== said[at - 1]);
  };

  it('is pending, running, completed or failed', async () => {
    expect(await lifeOf((await create('doubling', { input: { n: 1 } })).body.data.id)).toEqual(['pending', 'running', 'completed']);
    const { data } = (await create('failing', {})).body;
    expect(await lifeOf(data.id)).toEqual(['pending', 'running', 'failed']);
    expect(data).toMatchObject({ status: 'failed', is_terminal: true, error: expect.stringContaining('no more paper'), output: null });
  });

  it('is awaiting_approval, approved, then completed; or rejected', async () => {
    const [one, two] = [(await create('asking', {})).body.data, (await create('asking', {})).body.data];
    expect(one).toMatchObject({ status: 'awaiting_approval', is_terminal: false, completed_at: null });
    expect((await product.as('POST', `/api/v1/executions/${one.id}/respond`, { decision: 'approve' })).status).toBe(200);
    expect((await product.as('POST', `/api/v1/executions/${two.id}/respond`, { decision: 'reject' })).body.data).toMatchObject({
      status: 'rejected',
      error: expect.stringMatching(/rejected/i),
    });
    const life = await lifeOf(one.id);
    expect([life.slice(0, 3), life.at(-1)]).toEqual([['pending', 'running', 'awaiting_approval'], 'completed']);
  });

  it('is cancelled when it was manually cancelled before completion', async () => {
    const { data } = (await create('asking', {})).body;
    expect((await product.as('POST', `/api/v1/executions/${data.id}/cancel`, {})).body.data).toMatchObject({ id: data.id, status: 'cancelled', is_terminal: true });
    expect(await lifeOf(data.id)).toEqual(['pending', 'running', 'awaiting_approval', 'cancelled']);
  });

  it('is awaiting_approval, too, while it waits for an answer', async () => {
    expect((await create('questioning', {})).body.data.status).toBe('awaiting_approval');
  });
});

describe('Input', () => {
  it('must conform to the input schema', async () => {
    const { status, body } = await create('doubling', { input: { n: 'many' } });
    expect([status, body.status, body.title]).toEqual([400, 400, 'Bad Request']);
    expect(body).toMatchObject({
      code: 'invalid_input',
      errors: [{ pointer: '/input/n' }],
      error: { message: body.detail, code: 'invalid_input', details: { errors: [{ pointer: '/input/n' }] } },
    });
  });
});

describe('Metadata', () => {
  it('is carried for tracking and filtering', async () => {
    const metadata = { user_id: 'user-456', channel: 'web', environment: 'production', experiment_id: 'exp-001' };
    const { data } = (await create('doubling', { input: { n: 1 }, metadata, colour: 'red' })).body;
    expect((await get(data.id)).metadata).toEqual(metadata);
    const { body } = await product.as('GET', '/api/v1/executions?metadata[experiment_id]=exp-001');
    expect(body.data.map(({ id }: Execution) => id)).toEqual([data.id]);
  });
});

describe('Asynchronous Execution', () => {
  it('returns immediately with the execution id, whatever else asks to wait', async () => {
    for (const body of [{ async_mode: true }, { sync: false }]) {
      const { status, headers, body: made } = await create('lasting', body, '?wait=60');
      expect([status, headers.get('location')?.startsWith('/api/v1/executions/'), made.data.is_terminal]).toEqual([201, true, false]);
      await product.as('POST', `/api/v1/executions/${made.data.id}/cancel`, {});
    }
  });

  it('keeps the line alive while it waits: 200 after ten seconds, then spaces, then the body', async () => {
    const response = await fetch(`${product.url}/api/v1/workflows/lasting/executions?wait=12`, {
      method: 'POST',
      headers: { 'X-API-Key': product.dialectKey, 'Content-Type': 'application/json' },
      body: '{}',
    });
    const text = await response.text();
    expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringContaining('application/json')]);
    expect(text).toMatch(/^ +\{/);
    expect(JSON.parse(text).data).toMatchObject({ status: 'running', is_terminal: false });
  });
});

describe('Streaming Execution Events', () => {
  const stream = (id: string) => read({ url: product.url, key: product.dialectKey }, `/api/v1/executions/${id}/stream`);

  it('of one that has completed is a single done frame with the output', async () => {
    const { data } = (await create('doubling', { input: { n: 3 } })).body;
    const { status, messages, text, closed } = await stream(data.id);
    expect([status, closed, messages.length]).toEqual([200, true, 1]);
    expect(text).toMatch(/^retry: 1000\n\nevent: done\ndata: \{.*\}\n\n$/);
    expect(JSON.parse(messages[0]?.data ?? '')).toMatchObject({ output: { doubled: 6 }, token_usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } });
  });

  it('of one that has failed or was rejected is a single error frame', async () => {
    const failed = (await create('failing', {})).body.data;
    const rejected = (await create('asking', {})).body.data;
    await product.as('POST', `/api/v1/executions/${rejected.id}/respond`, { decision: 'reject' });
    for (const [{ id }, status] of [
      [failed, 'failed'],
      [rejected, 'rejected'],
    ] as const) {
      const { messages } = await stream(id);
      expect(messages.map(({ event }) => event)).toEqual(['error']);
      expect(JSON.parse(messages[0]?.data ?? '')).toEqual({ message: expect.any(String), code: expect.any(String), status });
    }
  });

  it('subscribed mid-run ends with the same frame', async () => {
    const { data } = (await create('asking', {})).body;
    const streaming = stream(data.id);
    await product.as('POST', `/api/v1/executions/${data.id}/respond`, { decision: 'approve' });
    const { messages } = await streaming;
    expect(messages.map(({ event }) => event)).toEqual(['done']);
    expect(JSON.parse(messages[0]?.data ?? '').output).toEqual({ response: 'approve' });
  });
});

describe('Listing and Filtering Executions', () => {
  it('pages by number, twenty at a time, and says how many there are', async () => {
    const { body } = await product.as('GET', '/api/v1/executions');
    expect(Object.keys(body)).toEqual(['data', 'meta']);
    expect(body.meta).toEqual({ total: expect.any(Number), page: 1, limit: 20, total_pages: Math.ceil(body.meta.total / 20) });
    expect(body.data).toHaveLength(Math.min(20, body.meta.total));
    for (const one of body.data) expect(misfits(one, page)).toEqual([]);
    const second = (await product.as('GET', '/api/v1/executions?page=2&limit=3')).body;
    expect([second.meta.page, second.meta.limit, second.data.map(({ id }: Execution) => id)]).toEqual([2, 3, body.data.slice(3, 6).map(({ id }: Execution) => id)]);
  });

  it('filters by status, in the words of the page, also in camelCase', async () => {
    for (const word of words) for (const one of (await product.as('GET', `/api/v1/executions?status=${word}`)).body.data) expect(one.status).toBe(word);
    expect((await product.as('GET', '/api/v1/executions?status=awaiting_approval')).body.meta.total).toBeGreaterThan(0);
    const { data } = (await create('doubling', { input: { n: 1 }, session_id: 'chat-9' })).body;
    // Lists may lag; whoever has read an execution finds it in them.
    await get(data.id);
    expect((await product.as('GET', '/api/v1/executions?sessionId=chat-9')).body.data.map(({ id }: Execution) => id)).toEqual([data.id]);
    expect((await product.as('GET', `/api/v1/executions?agentId=${unknown}`)).body).toEqual({ data: [], meta: { total: 0, page: 1, limit: 20, total_pages: 0 } });
    expect(await product.as('GET', '/api/v1/executions?limit=101')).toMatchObject({ status: 400, body: { error: { code: 'invalid_query' } } });
  });
});

describe('The published client, unchanged', () => {
  // Its environment is made once, and kept.
  beforeAll(clientReady, 400_000);

  it('gets, lists, filters, streams, cancels, and raises its own errors', async () => {
    const completed = (await create('doubling', { input: { n: 5 }, session_id: 'python', metadata: { channel: 'web' } })).body.data;
    const failed = (await create('failing', {})).body.data;
    const waiting = (await create('asking', {})).body.data;
    const seen = await publishedClient({
      url: product.url,
      key: product.dialectKey,
      viewer: await product.newKey({ role: 'viewer', dialect: 'agents' }),
      executions: { completed: completed.id, failed: failed.id, waiting: waiting.id },
      streams: { completed: completed.id, failed: failed.id },
      statuses: words,
      session: 'python',
      agent: unknown,
      to_cancel: waiting.id,
      unknown,
    });
    const known = Object.keys(seen.got.completed);
    for (const [name, one] of Object.entries({ completed, failed, waiting }))
      expect(seen.got[name]).toMatchObject(Object.fromEntries(Object.entries(one as Execution).filter(([member]) => known.includes(member) && member !== 'duration_ms')));
    expect(seen.got.completed).toMatchObject({ session_id: 'python', metadata: { channel: 'web' }, token_usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } });
    expect(seen.listed.data[0].id).toBe(waiting.id);
    expect(seen.listed.meta).toMatchObject({ page: 1, limit: 20, pages: Math.ceil(seen.listed.meta.total / 20) });
    expect(seen.second_page.data.map(({ id }: Execution) => id)).toEqual(seen.listed.data.slice(2, 4).map(({ id }: Execution) => id));
    for (const word of words) expect(new Set([word, ...seen.by_status[word].data.map(({ status }: Execution) => status)])).toEqual(new Set([word]));
    expect(seen.by_status.failed.data.map(({ id }: Execution) => id)).toContain(failed.id);
    expect(seen.by_session.data.map(({ id }: Execution) => id)).toEqual([completed.id]);
    expect(seen.by_agent).toMatchObject({ data: [], meta: { total: 0 } });
    expect(seen.streamed.completed).toMatchObject([{ type: 'done', output: { doubled: 10 }, token_usage: { total_tokens: 0 } }]);
    expect(seen.streamed_async).toEqual(seen.streamed.completed);
    expect(seen.streamed.failed).toMatchObject([{ type: 'error', message: expect.stringContaining('no more paper') }]);
    expect(seen.cancelled).toMatchObject({ id: waiting.id, status: 'cancelled' });
    expect(seen.unknown).toMatchObject({ type: 'NotFoundError', status: 404, code: 'execution_not_found', message: expect.stringContaining(unknown), details: {} });
    expect(seen.bad_status).toMatchObject({ type: 'ValidationError', status: 400, code: 'invalid_query', details: { errors: [{ pointer: '/status' }] } });
    expect(seen.bad_key).toMatchObject({ type: 'UnauthorizedError', status: 401 });
    expect(seen.forbidden).toMatchObject({ type: 'ForbiddenError', status: 403, code: 'forbidden' });
  });
});

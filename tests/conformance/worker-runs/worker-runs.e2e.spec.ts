import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Execution, misfits, type Product, startProduct, type Table } from '../product.js';
import { asking, doubling, failing, looping } from '../workflows.js';

jest.setTimeout(90_000);

/** "Execution details response": the first six are required, the others may be null. */
const page: Table = {
  created_at: 'timestamp',
  id: 'string',
  payload: 'any',
  retry_count: 'int32',
  status: 'string',
  workflow_id: 'string',
  assigned_to_worker: 'string | null',
  batch_id: 'string | null',
  cancelled_at: 'timestamp | null',
  cancelled_by: 'string | null',
  completed_at: 'timestamp | null',
  concurrency_key: 'string | null',
  deployment_id: 'string | null',
  error: 'string | null',
  output_schema_name: 'string | null',
  parent_execution_id: 'string | null',
  queue_name: 'string | null',
  result: 'any',
  root_execution_id: 'string | null',
  run_timeout_seconds: 'int32 | null',
  session_id: 'string | null',
  started_at: 'timestamp | null',
  step_key: 'string | null',
  user_id: 'string | null',
};
const words = ['pending', 'running', 'completed', 'failed', 'cancelled'];

let product: Product;

beforeAll(async () => {
  product = await startProduct('worker-runs');
  for (const definition of [doubling, failing, asking, looping]) await product.publish(definition);
}, 120_000);
afterAll(() => product?.discard());

const get = (id: string, query = '') => product.as('GET', `/api/v1/executions/${id}${query}`);
const run = (workflow: string, body?: unknown, query = '?wait=50') => product.as('POST', `/api/v1/workflows/${workflow}/run${query}`, body);

describe('GET /api/v1/executions/{execution_id}', () => {
  it('returns the execution details: every member, each of its type, and no other, in every state', async () => {
    expect(Object.keys(page)).toHaveLength(24);
    const { body } = await product.run('doubling', { n: 21 });
    for (let version = 1; version <= body.version; version++) expect(misfits((await get(body.id, `?at_version=${version}`)).body, page)).toEqual([]);
    const { status, body: last } = await get(body.id);
    expect([status, misfits(last, page)]).toEqual([200, []]);
    expect(last).toMatchObject({ id: body.id, workflow_id: body.workflow_id, payload: { n: 21 }, result: { doubled: 42 }, retry_count: 0, error: null, status: 'completed' });
    expect(Date.parse(last.created_at)).toBeLessThanOrEqual(Date.parse(last.started_at));
    expect(Date.parse(last.started_at)).toBeLessThanOrEqual(Date.parse(last.completed_at));
    expect(last.assigned_to_worker).toEqual(expect.any(String));
  });

  it('has a result of null until there is one, and no time that has not come', async () => {
    const { body } = await product.run('doubling', { n: 1 });
    expect((await get(body.id, '?at_version=1')).body).toMatchObject({
      status: 'pending',
      result: null,
      started_at: null,
      completed_at: null,
      cancelled_at: null,
      assigned_to_worker: null,
    });
  });

  it('says what it was created with', async () => {
    const said = { concurrency_key: 'c-1', run_timeout_seconds: 77, session_id: 's-1', step_key: 'step', output_schema_name: 'Invoice' };
    const { body } = await run('asking', { payload: { total: 3 }, ...said });
    expect((await get(body.id)).body).toMatchObject({
      payload: { total: 3 },
      ...said,
      deployment_id: null,
      parent_execution_id: null,
      root_execution_id: null,
      batch_id: null,
    });
  });

  it('needs Authorization: Bearer <token>', async () => {
    const { body } = await product.run('doubling', { n: 1 });
    const url = `${product.url}/api/v1/executions/${body.id}`;
    const statusWith = async (headers: Record<string, string>) => (await fetch(url, { headers })).status;
    expect(await statusWith({ Authorization: `Bearer ${product.dialectKey}` })).toBe(200);
    expect(await statusWith({})).toBe(401);
    expect(await statusWith({ Authorization: 'Bearer nobody' })).toBe(401);
    expect(await statusWith({ Authorization: product.dialectKey })).toBe(401);
  });

  it('of an unknown id is a problem with error and error_type', async () => {
    const { status, headers, body } = await get('0199b7a3-b994-7588-82bf-549a3600bc27');
    expect([status, headers.get('content-type')]).toEqual([404, expect.stringContaining('application/problem+json')]);
    expect(body).toMatchObject({ status: 404, error: body.detail, error_type: 'execution_not_found', code: 'execution_not_found' });
    expect((await get('not-an-id')).body).toMatchObject({ status: 404, error: expect.any(String), error_type: 'execution_not_found' });
  });
});

describe('Execution status', () => {
  it('is pending, running, then completed', async () => {
    const { body } = await product.run('doubling', { n: 2 });
    const said = await Promise.all(Array.from({ length: body.version }, async (_, at) => (await get(body.id, `?at_version=${at + 1}`)).body.status));
    expect(said.filter((word, at) => word !== said[at - 1])).toEqual(['pending', 'running', 'completed']);
  });

  it('is failed with an error message', async () => {
    const { body } = await product.run('failing');
    expect((await get(body.id)).body).toMatchObject({ status: 'failed', error: expect.stringContaining('no more paper'), completed_at: expect.any(String) });
  });

  it('is failed with an error message where a person rejected', async () => {
    const { body } = await product.run('asking');
    expect((await get(body.id)).body).toMatchObject({ status: 'running', error: null });
    expect((await product.as('POST', `/api/v1/executions/${body.id}/respond`, { decision: 'reject' })).body).toMatchObject({
      status: 'failed',
      error: expect.stringMatching(/rejected/i),
    });
  });

  it('is cancelled, with when and by whom (user or system)', async () => {
    const [one, two] = [(await product.run('asking')).body, (await product.run('asking')).body];
    const { body } = await product.as('POST', `/api/v1/executions/${one.id}/cancel`);
    expect(misfits(body, page)).toEqual([]);
    expect(body).toMatchObject({ status: 'cancelled', cancelled_at: expect.any(String), cancelled_by: expect.stringMatching(/^user:/), error: null });
    await product.as('POST', `/api/v1/executions/${two.id}/retry`);
    const superseded = await product.once(two.id, 'it to be superseded', ({ is_terminal }) => is_terminal);
    expect((await get(superseded.id)).body).toMatchObject({ status: 'cancelled', cancelled_by: expect.stringMatching(/^system:/) });
  });

  it('filters lists by these words', async () => {
    for (const word of words) {
      const { status, body } = await product.as('GET', `/api/v1/executions?status=${word}&limit=10`);
      expect(status).toBe(200);
      for (const one of body.data) expect([misfits(one, page), one.status]).toEqual([[], word]);
      if (word !== 'pending') expect(body.data.length).toBeGreaterThan(0);
    }
    expect(await product.as('GET', '/api/v1/executions?status=awaiting_approval')).toMatchObject({ status: 400, body: { error_type: 'invalid_query' } });
  });
});

describe('Retry count', () => {
  it('counts the retries that led to it', async () => {
    const { body } = await product.run('failing');
    const once = await product.as('POST', `/api/v1/executions/${body.id}/retry?wait=50`);
    expect([once.status, misfits(once.body, page), once.body.retry_count]).toEqual([200, [], 1]);
    expect((await product.as('POST', `/api/v1/executions/${once.body.id}/retry`)).body.retry_count).toBe(2);
    expect((await get(body.id)).body.retry_count).toBe(0);
  });
});

describe('POST /api/v1/workflows/{workflow_id}/run', () => {
  it('takes the payload, and its answer has execution_id too', async () => {
    const { status, headers, body } = await run('doubling', { payload: { n: 4 } }, '');
    expect([status, headers.get('location')]).toEqual([201, `/api/v1/executions/${body.id}`]);
    expect(misfits(body, { ...page, execution_id: 'string' })).toEqual([]);
    expect(body.execution_id).toBe(body.id);
  });

  it('is there whatever the dialect', async () => {
    const { body } = await product.call('POST', '/api/v1/workflows/doubling/run?wait=50', { payload: { n: 4 } });
    expect(body).toMatchObject({ object: 'execution', status: 'completed', input: { n: 4 }, output: { doubled: 8 }, execution_id: body.id });
    const { body: wrong } = await product.call('POST', '/api/v1/workflows/doubling/run', { payload: { n: 'x' } });
    expect(wrong).toMatchObject({ detail: expect.stringMatching(/^\/payload\/n: /), errors: [{ pointer: '/payload/n' }] });
    expect((await product.call('POST', '/api/v1/workflows/doubling/run', { load: 1 })).status).toBe(422);
  });

  it('takes an empty body of a JSON content type as an empty object', async () => {
    const answer = await fetch(`${product.url}/api/v1/workflows/asking/run`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${product.dialectKey}`, 'Content-Type': 'application/json' },
    });
    expect([answer.status, ((await answer.json()) as Execution).payload]).toEqual([201, {}]);
  });

  it('passes over what it does not know, and names what is wrong', async () => {
    expect((await run('asking', { payload: {}, colour: 'red' }, '?verbose=1')).status).toBe(201);
    expect(await run('doubling', { payload: {} })).toMatchObject({ status: 422, body: { error_type: 'invalid_input', errors: [{ pointer: '/payload/n' }] } });
    expect(await run('nowhere', {})).toMatchObject({ status: 404, body: { error_type: 'workflow_not_found' } });
  });

  it('is the same as a create of the execution', async () => {
    const { status, body } = await product.as('POST', '/api/v1/workflows/doubling/executions?wait=50', { payload: { n: 6 } });
    expect([status, misfits(body, page), body.result]).toEqual([200, [], { doubled: 12 }]);
  });
});

describe('Assigned worker', () => {
  it('is who runs it now', async () => {
    const { body } = await run('looping', {}, '');
    const { assigned_to_worker } = await product.once(body.id, 'a worker', ({ assigned_to_worker }) => assigned_to_worker !== null);
    expect((await get(body.id)).body).toMatchObject({ status: 'running', assigned_to_worker });
    await product.as('POST', `/api/v1/executions/${body.id}/cancel`);
    await product.once(body.id, 'the stop', ({ is_terminal }) => is_terminal);
    expect((await get(body.id)).body).toMatchObject({ status: 'cancelled', result: null });
  });
});

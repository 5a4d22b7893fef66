import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { historyOf } from './histories.js';
import { mostAtOnce, setQueue } from './queueing.js';
import { caller, type Running, startStandalone } from './standalone.js';
import { until } from './until.js';
import { approval, delay, inSequence, publish, transform } from './workflows.js';

let runlog: Running;

const api = '/api/v1';
const post = (path: string, body?: unknown) => runlog.call('POST', `${api}${path}`, body);
const get = async (path: string) => (await runlog.call('GET', `${api}${path}`)).body;
const create = async (workflow: string, body: object = {}) => {
  const { status, body: created } = await post(`/workflows/${workflow}/executions`, body);
  expect({ status, created }).toMatchObject({ status: 201 });
  return created as { id: string; status: string };
};
const reaches = (id: string, status: string) =>
  until(async () => ((await get(`/executions/${id}`)).status === status ? get(`/executions/${id}`) : undefined), {
    what: `'${id}' to be ${status}`,
    otherwise: async () => JSON.stringify([await get(`/executions/${id}`), await get(`/executions/${id}/why`)]),
  });
const isEmpty = (queue: string) => until(async () => Object.values((await get(`/queues/${queue}`)).counts).every((count) => count === 0), { what: `queue '${queue}' to be empty` });

beforeAll(async () => {
  runlog = await startStandalone();
  await publish(runlog, inSequence('nap', [delay('wait', 0.3), transform('done', '1')]));
  await publish(runlog, inSequence('long', [delay('wait', 600)]));
  await publish(runlog, inSequence('ask', [approval('ask'), delay('wait', 0.3)]));
  await publish(runlog, inSequence('per_customer', [delay('wait', 0.3)], { settings: { concurrency_key: '{{ input.customer }}' } }));
  await publish(runlog, inSequence('hasty', [transform('done', '1')], { settings: { queue_name: 'closed', queue_ttl_seconds: 1 } }));
  await publish(runlog, inSequence('keyless', [transform('done', '1')], { settings: { concurrency_key: '{{ $number(input.customer) }}' } }));
}, 90_000);

afterAll(() => runlog?.discard(), 30_000);

describe('a queue with a limit', () => {
  it('runs so many at a time, and all of them in the end', async () => {
    await setQueue(runlog, 'two', { limit: 2 });
    const created = await Promise.all(Array.from({ length: 8 }, () => create('nap', { queue_name: 'two' })));
    for (const { id } of created) await reaches(id, 'completed');
    expect(
      await mostAtOnce(
        runlog,
        created.map(({ id }) => id),
      ),
    ).toBe(2);
    expect((await historyOf(runlog, created[0]?.id ?? '')).slice(0, 3).map(({ type }) => type)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted']);
    await isEmpty('two');
    expect((await get('/executions?queue_name=two')).data).toHaveLength(8);
  }, 60_000);

  it('says who holds its slots; who waits is told, can be cancelled at once, and passes on nothing', async () => {
    await setQueue(runlog, 'one', { limit: 1 });
    const holder = await create('long', { queue_name: 'one' });
    await reaches(holder.id, 'running');
    const waiting = await create('nap', { queue_name: 'one', concurrency_key: 'ann', priority: 3 });
    expect(waiting).toMatchObject({ status: 'queued', queue_name: 'one', concurrency_key: 'ann', priority: 3 });
    const queue = await until(async () => ((await get('/queues/one')).counts.waiting === 1 ? get('/queues/one') : undefined), { what: 'one to wait' });
    expect(queue).toMatchObject({ limit: 1, counts: { held: 1, waiting: 1 }, holders: [{ execution_id: holder.id, concurrency_key: null }] });
    expect((await get(`/executions/${waiting.id}/why`)).causes).toMatchObject([{ kind: 'slot', queue_name: 'one', held_by: [holder.id] }]);
    expect(await post(`/executions/${waiting.id}/cancel`)).toMatchObject({ status: 200, body: { status: 'cancelled', started_at: null, duration_ms: null } });
    expect((await post(`/executions/${holder.id}/cancel`)).status).toBeLessThan(300);
    await isEmpty('one');
  }, 60_000);

  it('can be changed and paused while it works', async () => {
    await setQueue(runlog, 'live', { limit: 1, paused: true });
    const first = await create('nap', { queue_name: 'live' });
    const second = await create('nap', { queue_name: 'live' });
    const urgent = await create('nap', { queue_name: 'live', priority: 100 });
    expect((await get(`/executions/${first.id}/why`)).causes).toMatchObject([{ kind: 'queue_paused', queue_name: 'live' }]);
    await setQueue(runlog, 'live', { paused: false });
    for (const { id } of [first, second, urgent]) await reaches(id, 'completed');
    const starts = await Promise.all([urgent, first, second].map(async ({ id }) => (await get(`/executions/${id}`)).started_at));
    expect(starts).toEqual(starts.toSorted());
    await setQueue(runlog, 'live', { limit: 5 });
    expect(await get('/queues/live')).toMatchObject({ limit: 5, paused: false, changes: [{ limit: 5 }, { paused: false }, { limit: 1, paused: true }] });
  }, 60_000);

  it('gives the slot of whoever waits for a person to the next, and lets that one go on ahead of newcomers', async () => {
    await setQueue(runlog, 'people', { limit: 1 });
    const asking = await create('ask', { queue_name: 'people' });
    await reaches(asking.id, 'awaiting_approval');
    const holder = await create('long', { queue_name: 'people' });
    await reaches(holder.id, 'running');
    const newcomer = await create('nap', { queue_name: 'people', priority: 1_000_000 });
    expect(await post(`/executions/${asking.id}/respond`, { decision: 'approve' })).toMatchObject({ status: 200, body: { status: 'suspended', status_reason: 'slot' } });
    expect((await get(`/executions/${asking.id}/why`)).causes).toMatchObject([{ kind: 'slot', held_by: [holder.id] }]);
    await post(`/executions/${holder.id}/cancel`);
    await reaches(asking.id, 'completed');
    await reaches(newcomer.id, 'completed');
    const resumed = (await historyOf(runlog, asking.id)).find(({ type }) => type === 'ExecutionResumed');
    expect(Date.parse((await get(`/executions/${newcomer.id}`)).started_at)).toBeGreaterThan(Date.parse(resumed.at));
    await isEmpty('people');
  }, 60_000);

  it('fails whoever waits for longer than allowed, before it began', async () => {
    await setQueue(runlog, 'closed', { paused: true });
    const { id } = await create('hasty');
    expect(await reaches(id, 'failed')).toMatchObject({ error_code: 'expired_in_queue', started_at: null });
    await isEmpty('closed');
  }, 60_000);

  it('is kept by a retry', async () => {
    await setQueue(runlog, 'kept', { limit: 1 });
    const { id } = await create('nap', { queue_name: 'kept', concurrency_key: 'ann', priority: 7 });
    await reaches(id, 'completed');
    const { body: again } = await post(`/executions/${id}/retry`);
    expect(await reaches(again.id, 'completed')).toMatchObject({ queue_name: 'kept', concurrency_key: 'ann', priority: 7, retry_of: id });
    await isEmpty('kept');
  }, 60_000);
});

describe('a concurrency key', () => {
  it('of an expression runs one at a time for each value', async () => {
    const customers = ['ann', 'ann', 'ann', 'bob', 'bob'];
    const created = await Promise.all(customers.map((customer) => create('per_customer', { input: { customer } })));
    for (const { id } of created) await reaches(id, 'completed');
    const of = (name: string) => created.filter((_, at) => customers[at] === name).map(({ id }) => id);
    expect([await mostAtOnce(runlog, of('ann')), await mostAtOnce(runlog, of('bob'))]).toEqual([1, 1]);
    expect(await get(`/executions/${created[0]?.id}`)).toMatchObject({ queue_name: 'default', concurrency_key: 'ann' });
  }, 60_000);

  it('that has no value fails the execution, or the create that brought it', async () => {
    const { body } = await post('/workflows/keyless/executions?wait=50', { input: { customer: 'nobody' } });
    expect(body).toMatchObject({ status: 'failed', error_code: 'admission_failed', error: expect.stringContaining('concurrency key') });
    const refused = await post('/workflows/nap/executions', { concurrency_key: '{{ $number(input.customer) }}', input: { customer: 'nobody' } });
    expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_concurrency_key', errors: [{ pointer: '/concurrency_key' }] } });
  }, 60_000);

  it('with cancel_newest ends the newcomer, with cancel_running whoever runs', async () => {
    await setQueue(runlog, 'newest', { strategy: 'cancel_newest' });
    await setQueue(runlog, 'running', { strategy: 'cancel_running' });
    const key = { concurrency_key: 'ann' };
    const stays = await create('long', { queue_name: 'newest', ...key });
    await reaches(stays.id, 'running');
    const late = await create('long', { queue_name: 'newest', ...key });
    expect(await reaches(late.id, 'cancelled')).toMatchObject({ cancelled_by: 'system:cancel_newest', started_at: null });
    const old = await create('long', { queue_name: 'running', ...key });
    await reaches(old.id, 'running');
    const fresh = await create('long', { queue_name: 'running', ...key });
    expect(await reaches(old.id, 'cancelled')).toMatchObject({ cancelled_by: 'system:cancel_running' });
    await reaches(fresh.id, 'running');
    expect((await get(`/executions/${stays.id}`)).status).toBe('running');
    for (const { id } of [stays, fresh]) await post(`/executions/${id}/cancel`);
    await Promise.all([isEmpty('newest'), isEmpty('running')]);
  }, 60_000);
});

describe('PUT /queues/{name}', () => {
  it('says what is wrong with its settings', async () => {
    const { status, body } = await runlog.call('PUT', `${api}/queues/wrong`, { limit: 0, key_limit: null, strategy: 'best', ttl_seconds: 'x', paused: 1, size: 2 });
    expect([status, body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()]).toEqual([
      422,
      ['/key_limit', '/limit', '/paused', '/size', '/strategy', '/ttl_seconds'],
    ]);
    expect(await runlog.call('PUT', `${api}/queues/no%20name`, {})).toMatchObject({ status: 422, body: { code: 'invalid_name' } });
    expect((await runlog.call('GET', `${api}/queues/wrong`)).status).toBe(404);
  });

  it('is for editors; viewers read', async () => {
    await setQueue(runlog, 'seen', { limit: 1 });
    const viewer = caller(runlog.url, (await post('/api-keys', { name: 'viewer', role: 'viewer' })).body.key);
    expect((await viewer('PUT', `${api}/queues/seen`, { limit: 2 })).status).toBe(403);
    expect((await viewer('GET', `${api}/queues/seen`)).body.limit).toBe(1);
    expect((await viewer('GET', `${api}/queues`)).body.data.map(({ name }: { name: string }) => name)).toContain('seen');
    const editor = (await post('/api-keys', { name: 'editor', role: 'editor' })).body;
    await caller(runlog.url, editor.key)('PUT', `${api}/queues/seen`, { limit: 2 });
    expect((await get('/queues/seen')).changes[0]).toMatchObject({ limit: 2, by: expect.stringMatching(/^user:/) });
  });
});

describe('a crash', () => {
  it('in the middle leaves no slot behind, and nobody is admitted above the limit', async () => {
    await setQueue(runlog, 'crash', { limit: 3 });
    const created = await Promise.all(Array.from({ length: 20 }, () => create('nap', { queue_name: 'crash' })));
    await until(async () => (await get('/executions?queue_name=crash&status=completed')).data.length >= 3, { what: 'some to have run' });
    await runlog.kill();
    runlog = await startStandalone({ home: runlog.home });
    for (const { id } of created) await reaches(id, 'completed');
    expect(
      await mostAtOnce(
        runlog,
        created.map(({ id }) => id),
      ),
    ).toBeLessThanOrEqual(3);
    await isEmpty('crash');
  }, 120_000);
});

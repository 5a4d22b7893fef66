import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startTestCluster } from './clustered.js';
import { flawsOf, historyOf } from './histories.js';
import { type Outside, startOutside } from './outside.js';
import { type Answer, caller } from './standalone.js';
import { until } from './until.js';
import { code, inSequence, publish } from './workflows.js';

/** The world: what it was asked for, and how it takes that. */
interface Hit {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly response: ServerResponse;
}

let world: Outside;
const hits: Hit[] = [];
/** How it takes a path; answers, where nothing is said. */
const manners = new Map<string, 'answer' | 'hang' | 'reset'>();
let cluster: Cluster;

const api = '/api/v1';
const call = (method: string, path: string, body?: unknown): Promise<Answer> => cluster.one.call(method, `${api}${path}`, body);
const execution = async (id: string) => (await call('GET', `/executions/${id}`)).body;
const respond = (id: string, body: object) => call('POST', `/executions/${id}/respond`, body);
const start = async (workflow: string, input: object): Promise<string> => (await call('POST', `/workflows/${workflow}/executions`, { input })).body.id;
const hitsOf = (id: string) => hits.filter(({ path }) => path === `/${id}`);
const typesOf = async (id: string) => (await historyOf(cluster.one, id)).map(({ type }) => type);
const status = (id: string, wanted: string) =>
  until(async () => (await execution(id)).status === wanted, { what: `${id} to be ${wanted}`, otherwise: async () => JSON.stringify(await typesOf(id)) });
const reached = (id: string, count = 1) => until(() => hitsOf(id).length >= count, { what: `hit ${count} of ${id}` });

/** One runner or the other has it: both die, and come back. */
const killRunners = async () => {
  const runners = cluster.members.filter(({ service }) => service === 'runner');
  for (const runner of runners) runner.kill('SIGKILL');
  await Promise.all(runners.map((runner) => runner.restart().then(() => runner.ready())));
};

const pay = (more: object) => ({ id: 'pay', type: 'http', config: { method: 'POST', url: `${world.url}/{{ input.of }}`, body: { amount: 5 } }, ...more });
const given = (of: string, manner: 'answer' | 'hang' | 'reset') => {
  manners.set(`/${of}`, manner);
  return { of };
};
/** Executions whose `pay` hung in the world when its runner was killed. */
const abandoned = new Map<string, string>();
const idOf = (of: string): string => abandoned.get(of) as string;

beforeAll(async () => {
  world = await startOutside((request, response) => {
    request.resume().on('end', () => {
      hits.push({ path: request.url ?? '', headers: request.headers, response });
      const manner = manners.get(request.url ?? '') ?? 'answer';
      if (manner === 'answer') response.setHeader('content-type', 'application/json').end('{"paid":true}');
      else if (manner === 'reset') response.destroy();
    });
  });
  cluster = await startTestCluster({ RUNLOG_RATE_LIMIT: '0', RUNLOG_HEARTBEAT_TIMEOUT_MS: '2000', RUNLOG_EGRESS_ALLOW: '127.0.0.0/8' });
  const retry = { max_attempts: 3, initial_ms: 10 };
  const tell = code('tell', 'return nodes.pay.body;');
  await publish(cluster.one, inSequence('once', [pay({ effect: 'at_most_once', retry, timeout_ms: 120_000 }), tell]));
  await publish(cluster.one, inSequence('keyed', [pay({ effect: 'keyed', timeout_ms: 120_000 }), tell]));
  await publish(cluster.one, inSequence('plain', [pay({ retry }), tell]));
  await publish(
    cluster.one,
    inSequence('broken', [pay({ effect: 'at_most_once' }), { ...pay({}), id: 'plain' }, code('fails', 'if (!input.works) throw new Error("no"); return nodes.pay.body;')]),
  );
  for (const [workflow, of] of [
    ['once', 'done'],
    ['once', 'repeat'],
    ['once', 'cancelled'],
    ['keyed', 'keyed'],
  ] as const) {
    abandoned.set(of, await start(workflow, given(of, 'hang')));
    await reached(of);
  }
  given('keyed', 'answer');
  await killRunners();
}, 180_000);

afterAll(async () => {
  await cluster?.discard();
  world?.stop();
}, 60_000);

describe('an effect whose runner dies of kill -9', () => {
  it('parks, when it may be had at most once, until somebody says what became of it', async () => {
    const id = idOf('done');
    await status(id, 'suspended');
    const parked = await execution(id);
    expect(parked).toMatchObject({
      status_reason: 'effect_unknown',
      gates: [{ id: 'pay.1', node_id: 'pay', kind: 'effect', expires_at: null, prompt: expect.stringContaining('silent') }],
    });
    expect((await call('GET', '/approvals?kind=effect')).body.data).toEqual(expect.arrayContaining([expect.objectContaining({ id: 'pay.1', execution_id: id, kind: 'effect' })]));
    expect((await call('GET', `/executions/${id}/why`)).body.causes).toMatchObject([
      { kind: 'gate', node_id: 'pay', gate_id: 'pay.1', unblock: [{ action: expect.stringContaining("'done'"), by: 'editor and up' }] },
    ]);

    expect(await respond(id, { decision: 'approve' })).toMatchObject({
      status: 422,
      body: { code: 'answer_invalid', errors: [{ pointer: '/decision', detail: "expected 'done', 'repeat' or 'fail': the gate is an effect" }] },
    });
    expect(await respond(id, { decision: 'undo' })).toMatchObject({ status: 422 });
    expect(await respond(id, { decision: 'done' })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/answer' }] } });
    const { key } = (await call('POST', '/api-keys', { name: 'v', role: 'viewer' })).body;
    expect((await caller(cluster.one.url, key)('POST', `${api}/executions/${id}/respond`, { decision: 'repeat' })).status).toBe(403);
    expect((await execution(id)).status).toBe('suspended');

    expect((await respond(id, { decision: 'done', answer: { body: { paid: 'by hand' } }, comment: 'seen on the statement' })).status).toBe(200);
    await status(id, 'completed');
    expect((await execution(id)).output).toEqual({ paid: 'by hand' });
    expect(await respond(id, { gate_id: 'pay.1', decision: 'fail' })).toMatchObject({ status: 409, body: { code: 'gate_decided', state: { accepted: { decision: 'done' } } } });
    expect(hitsOf('done')).toHaveLength(1);
    const history = await historyOf(cluster.one, id);
    expect(flawsOf(history)).toEqual([]);
    expect(
      history
        .map(({ type }) => type)
        .filter((type) => /^(Node(Started|Completed)|Attempt|Effect|Response|ExecutionSus)/.test(type))
        .slice(0, 8),
    ).toEqual(['NodeStarted', 'EffectIntended', 'AttemptLost', 'EffectUnknown', 'ExecutionSuspended', 'ResponseReceived', 'EffectRecorded', 'NodeCompleted']);
    expect((await call('GET', `/executions/${id}/nodes/pay`)).body).toMatchObject({ effect: { standing: 'recorded', idempotency_key: `${id}:pay` } });
    expect((await call('GET', '/approvals?kind=effect')).body.data.map((gate: { execution_id: string }) => gate.execution_id)).not.toContain(id);
  }, 120_000);

  it('is repeated under its key when somebody says so', async () => {
    const id = idOf('repeat');
    await status(id, 'suspended');
    given('repeat', 'answer');
    expect((await respond(id, { node_id: 'pay', decision: 'repeat' })).status).toBe(200);
    await status(id, 'completed');
    expect(hitsOf('repeat').map(({ headers }) => headers['idempotency-key'])).toEqual([`${id}:pay`, `${id}:pay`]);
  }, 120_000);

  it('is repeated under its key without asking, when the target tells repeats by it', async () => {
    const id = idOf('keyed');
    await status(id, 'completed');
    expect(new Set(hitsOf('keyed').map(({ headers }) => headers['idempotency-key']))).toEqual(new Set([`${id}:pay`]));
    expect(hitsOf('keyed').length).toBeGreaterThanOrEqual(2);
  }, 120_000);

  it('is unknown in the receipt of a cancel, and asked for by the retry', async () => {
    const id = idOf('cancelled');
    await status(id, 'suspended');
    expect(await call('POST', `/executions/${id}/cancel`)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect((await call('GET', `/executions/${id}/cancellation`)).body).toMatchObject({ acknowledged: false, nodes: [{ node_id: 'pay', outcome: 'unknown' }] });
    const { body: plan } = await call('POST', `/executions/${id}/replay`, { plan: true });
    expect(plan).toMatchObject({
      nodes: [
        { node_id: 'pay', action: 'ask' },
        { node_id: 'tell', action: 'run' },
      ],
      repeated_effects: [],
    });
    const { body: next } = await call('POST', `/executions/${id}/retry`);
    await status(next.id, 'suspended');
    expect((await execution(next.id)).gates).toMatchObject([{ id: 'pay.0', kind: 'effect', prompt: expect.stringContaining(id) }]);
    given('cancelled', 'answer');
    await respond(next.id, { decision: 'repeat' });
    await status(next.id, 'completed');
    expect(hitsOf('cancelled').map(({ headers }) => headers['idempotency-key'])).toEqual([`${id}:pay`, `${id}:pay`]);
  }, 120_000);
});

describe('an effect whose connection breaks', () => {
  it('is not repeated where it may be had at most once, whatever the retry policy says', async () => {
    const id = await start('once', given('reset', 'reset'));
    await status(id, 'suspended');
    expect(hitsOf('reset')).toHaveLength(1);
    expect(await typesOf(id)).toEqual(expect.arrayContaining(['NodeFailed', 'EffectUnknown']));
    expect((await respond(id, { decision: 'fail', comment: 'the bank says no' })).status).toBe(200);
    expect(await execution(id)).toMatchObject({ status: 'failed', error_code: 'effect_unknown', error: expect.stringContaining('the bank says no') });
  });

  it('is tried again under its key where it declares nothing, and leaves no events but its tries', async () => {
    const id = await start('plain', given('plain', 'reset'));
    await reached('plain');
    given('plain', 'answer');
    await status(id, 'completed');
    expect(new Set(hitsOf('plain').map(({ headers }) => headers['idempotency-key']))).toEqual(new Set([`${id}:pay`]));
    expect((await typesOf(id)).filter((type) => type.startsWith('Effect'))).toEqual([]);
  });
});

describe('a receipt', () => {
  it('is returned by a retry and by a replay, and not by a replay with another input', async () => {
    const id = await start('broken', given('once-only', 'answer'));
    await status(id, 'failed');
    expect(hitsOf('once-only')).toHaveLength(2);
    const { body: retried } = await call('POST', `/executions/${id}/retry`);
    await status(retried.id, 'failed');
    expect(hitsOf('once-only')).toHaveLength(3);
    expect((await call('GET', `/executions/${retried.id}/nodes/pay`)).body).toMatchObject({ status: 'completed', reused_from: id, output: { body: { paid: true } }, attempts: [] });

    const { body: plan } = await call('POST', `/executions/${retried.id}/replay`, { plan: true });
    expect(plan).toMatchObject({
      nodes: [
        { node_id: 'pay', action: 'reuse' },
        { node_id: 'plain', action: 'run' },
        { node_id: 'fails', action: 'run' },
      ],
      repeated_effects: ['plain'],
    });
    const { body: replayed } = await call('POST', `/executions/${retried.id}/replay`, {});
    await status(replayed.id, 'failed');
    expect(hitsOf('once-only')).toHaveLength(4);
    expect((await call('GET', `/executions/${replayed.id}/nodes/pay`)).body.reused_from).toBe(id);

    const input = { of: 'another', works: true };
    const { body: other } = await call('POST', `/executions/${retried.id}/replay`, { input, plan: true });
    expect(other.repeated_effects).toEqual(['pay', 'plain']);
    const { body: anew } = await call('POST', `/executions/${retried.id}/replay?wait=50`, { input });
    expect(anew).toMatchObject({ status: 'completed', output: { paid: true } });
    expect(hitsOf('another')).toHaveLength(2);
  }, 90_000);
});

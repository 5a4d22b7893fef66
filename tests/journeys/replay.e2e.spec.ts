import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { flawsOf, historyOf } from './histories.js';
import { bash, documentsIn, snippetsOf } from './snippets.js';
import { type Answer, caller, type Running, startStandalone } from './standalone.js';
import { until } from './until.js';
import { approval, code, inSequence, publish, transform } from './workflows.js';

jest.setTimeout(90_000);

let runlog: Running;
let calls: string[] = [];
const recorder = createServer((request, response) => {
  calls.push(request.url ?? '');
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ n: calls.length }));
});

beforeAll(async () => {
  await new Promise<void>((listening) => recorder.listen(0, '127.0.0.1', listening));
  const { port } = recorder.address() as { port: number };
  runlog = await startStandalone();
  await publish(
    runlog,
    inSequence('sums', [code('a', 'return input.n + 1;'), code('b', 'if (input.fail) throw new Error("no"); return nodes.a * 2;'), transform('c', 'nodes.b + 1')]),
  );
  await publish(runlog, inSequence('slow', [code('work', 'for (const end = Date.now() + input.ms; Date.now() < end; ); return 1;')]));
  await publish(runlog, {
    key: 'shop',
    name: 'Shop',
    nodes: [
      { id: 'fetch', type: 'http', config: { url: `http://127.0.0.1:${port}/fetch` } },
      approval('ok'),
      { id: 'pay', type: 'http', config: { method: 'POST', url: `http://127.0.0.1:${port}/pay` } },
      code('side', 'return "aside";'),
      code('end', 'return { fetched: nodes.fetch.body.n, paid: nodes.pay.body.n, by: nodes.ok.by, again: execution.is_replay };'),
    ],
    edges: [
      { from: 'start_of_workflow', to: 'fetch' },
      { from: 'start_of_workflow', to: 'side' },
      { from: 'fetch', to: 'ok' },
      { from: 'ok', to: 'pay' },
      { from: 'pay', to: 'end' },
      { from: 'side', to: 'end' },
    ],
    output: 'nodes.end',
  } as never);
}, 90_000);

afterAll(async () => {
  recorder.close();
  await runlog?.discard();
});

const post = (path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> => runlog.call('POST', `/api/v1/${path}`, body, headers);
const get = async (path: string) => (await runlog.call('GET', `/api/v1/${path}`)).body;
const ran = async (workflow: string, input: object) => (await post(`workflows/${workflow}/executions?wait=50`, { input })).body;
const ended = (id: string) => until(async () => ((await get(`executions/${id}`)).is_terminal ? get(`executions/${id}`) : undefined), { what: `${id} to end` });

const shopped = async () => {
  const { id } = await ran('shop', { x: 1 });
  await post(`executions/${id}/respond`, { decision: 'approve' });
  return ended(id);
};

describe('retry', () => {
  it('begins anew with the same input, version, metadata and tags, also after a completion', async () => {
    const { body: source } = await post('workflows/sums/executions?wait=50', { input: { n: 1 }, metadata: { m: 'x' }, tags: ['t'], session_id: 's1' });
    const { status, body, headers } = await post(`executions/${source.id}/retry`);
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/v1/executions/${body.id}`);
    expect(body).toMatchObject({ retry_of: source.id, retry_count: 1, trigger: { kind: 'retry', id: source.id }, metadata: { m: 'x' }, tags: ['t'], session_id: 's1' });
    expect(body).toMatchObject({ input: { n: 1 }, workflow_version_id: source.workflow_version_id, pod_id: source.pod_id });
    expect(await ended(body.id)).toMatchObject({ status: 'completed', output: 5 });
    expect((await get(`executions/${source.id}`)).status).toBe('completed');
    for (const known of [source.id, source.key, source.hashid]) expect((await get(`executions?retry_of=${known}`)).data.map(({ id }: { id: string }) => id)).toEqual([body.id]);
    for (const id of [source.id, body.id]) expect(flawsOf(await historyOf(runlog, id))).toEqual([]);
  });

  it('stops the old one first: the two never run side by side, and a second retry finds the first', async () => {
    const { body: source } = await post('workflows/slow/executions', { input: { ms: 60_000 } });
    await until(async () => (await get(`executions/${source.id}`)).running_actions_count === 1, { what: 'the node to run' });
    const [first, second] = await Promise.all([post(`executions/${source.id}/retry`, { reason: 'stuck' }), post(`executions/${source.id}/retry`)]);
    expect(new Set([first.body.id, second.body.id]).size).toBe(1);
    expect([first.status, second.status].sort()).toEqual([200, 201]);
    const old = await ended(source.id);
    expect(old).toMatchObject({ status: 'cancelled', status_reason: 'superseded', cancelled_by: 'system:superseded' });
    const next = await until(async () => (await get(`executions/${first.body.id}`)).started_at && get(`executions/${first.body.id}`), { what: 'the next one to start' });
    expect(Date.parse(next.started_at)).toBeGreaterThanOrEqual(Date.parse(old.completed_at));
    expect((await post(`executions/${source.id}/retry`)).body.id).toBe(first.body.id);
    await post(`executions/${first.body.id}/cancel`);
    await ended(first.body.id);
    const third = await post(`executions/${source.id}/retry`);
    expect(third.status).toBe(201);
    expect(third.body).toMatchObject({ retry_of: source.id, retry_count: 1 });
    expect(third.body.id).not.toBe(first.body.id);
    await post(`executions/${third.body.id}/cancel`);
  });

  it('waits for the end when asked to, and is one act per Idempotency-Key', async () => {
    const source = await ran('sums', { n: 2 });
    const waited = await post(`executions/${source.id}/retry?wait=50`, undefined, { 'idempotency-key': 'retry-1' });
    expect([waited.status, waited.body.status]).toEqual([200, 'completed']);
    const again = await post(`executions/${source.id}/retry?wait=50`, undefined, { 'idempotency-key': 'retry-1' });
    expect([again.headers.get('idempotency-replayed'), again.body.id]).toEqual(['true', waited.body.id]);
  });
});

describe('replay', () => {
  it('from the beginning runs everything again, with the original input or another one', async () => {
    const source = await ran('sums', { n: 1 });
    const same = await post(`executions/${source.id}/replay?wait=50`);
    expect([same.status, same.body.output]).toEqual([200, 5]);
    expect(same.body).toMatchObject({ replay_of: source.id, retry_of: null, retry_count: 0, trigger: { kind: 'replay', id: source.id } });
    const other = await post(`executions/${source.id}/replay?wait=50`, { input: { n: 10 } });
    expect(other.body.output).toBe(23);
    expect((await get(`executions?replay_of=${source.id}`)).data).toHaveLength(2);
  });

  it('from a node reuses what completed elsewhere, inherits approvals, and repeats only what follows', async () => {
    const source = await shopped();
    expect(source.output).toMatchObject({ again: false });
    const planned = await post(`executions/${source.id}/replay`, { from_node_id: 'pay', plan: true });
    expect([planned.status, planned.body]).toEqual([
      200,
      {
        object: 'plan',
        nodes: [
          { node_id: 'fetch', action: 'reuse' },
          { node_id: 'ok', action: 'reuse' },
          { node_id: 'pay', action: 'run' },
          { node_id: 'side', action: 'reuse' },
          { node_id: 'end', action: 'run' },
        ],
        repeated_effects: ['pay'],
        cost_estimate: 0,
      },
    ]);
    expect((await get(`executions?replay_of=${source.id}`)).data).toEqual([]);
    calls = [];
    const { status, body } = await post(`executions/${source.id}/replay?wait=50`, { from_node_id: 'pay' });
    expect([status, body.status, calls]).toEqual([200, 'completed', ['/pay']]);
    expect(body.output).toEqual({ ...source.output, paid: 1, again: true });
    expect(body).toMatchObject({ completed_actions_count: 5, idle_actions_count: 0, n_steps: 2, cost: 0 });
    expect(body.execution_data).toMatchObject({ fetch: source.execution_data.fetch, side: 'aside' });
    const nodes = (await get(`executions/${body.id}/nodes`)).data;
    expect(nodes.map((node: { node_id: string; status: string; reused_from: string | null }) => [node.node_id, node.status, node.reused_from])).toEqual([
      ['fetch', 'completed', source.id],
      ['ok', 'completed', source.id],
      ['pay', 'completed', null],
      ['side', 'completed', source.id],
      ['end', 'completed', null],
    ]);
    const history = await historyOf(runlog, body.id);
    expect(flawsOf(history)).toEqual([]);
    expect(history.slice(0, 4).map(({ type }) => type)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted', 'NodeReused']);

    const twice = await post(`executions/${body.id}/replay?wait=50`, { from_node_id: 'end' });
    expect(twice.body).toMatchObject({ status: 'completed', output: body.output, replay_of: body.id });
    const { data } = await get(`executions/${twice.body.id}/nodes`);
    expect(data.map((node: { reused_from: string | null }) => node.reused_from)).toEqual([source.id, source.id, body.id, source.id, null]);
    expect((await get(`executions/${twice.body.id}?at_version=5`)).execution_data).toMatchObject({ fetch: source.execution_data.fetch });
  });

  it('asks gates again when told to', async () => {
    const source = await shopped();
    const { status, body } = await post(`executions/${source.id}/replay?wait=50`, { from_node_id: 'end', reask: true });
    expect([status, body.status]).toEqual([202, 'awaiting_approval']);
    await post(`executions/${body.id}/respond`, { decision: 'approve' });
    expect(await ended(body.id)).toMatchObject({ status: 'completed', output: { again: true } });
  });

  it('forks at an event', async () => {
    const source = await shopped();
    const history = await historyOf(runlog, source.id);
    const { version } = history.find(({ type, node_id }) => type === 'NodeCompleted' && node_id === 'ok');
    calls = [];
    const { body } = await post(`executions/${source.id}/replay?wait=50`, { at_version: version });
    expect([body.status, calls]).toEqual(['completed', ['/pay']]);
  });

  it('goes on from the node that failed with a corrected input or version', async () => {
    const source = await ran('sums', { n: 1, fail: true });
    expect(source).toMatchObject({ status: 'failed', error_node_id: 'b' });
    const { body } = await post(`executions/${source.id}/replay?wait=50`, { from_node_id: 'b', input: { n: 1 } });
    expect(body).toMatchObject({ status: 'completed', output: 5 });
    await runlog.call('POST', '/api/v1/workflows/sums/versions', inSequence('sums', [code('a', 'return 1000;'), code('b', 'return nodes.a * 3;'), transform('c', 'nodes.b + 1')]));
    const latest = await post(`executions/${source.id}/replay?wait=50`, { from_node_id: 'b', version: 'latest' });
    expect(latest.body).toMatchObject({ status: 'completed', output: 7 });
    expect(latest.body.workflow_version_id).not.toBe(source.workflow_version_id);
  });

  it('says what is wrong with what is asked', async () => {
    await publish(runlog, inSequence('fails', [code('a', 'return 1;'), code('b', 'throw new Error("no");'), code('c', 'return 2;')]));
    const source = await ran('fails', {});
    const refused = async (body: unknown) => {
      const answer = await post(`executions/${source.id}/replay`, body);
      return [answer.status, answer.body.errors?.[0]?.pointer];
    };
    expect(await refused({ from_node_id: 'nope' })).toEqual([422, '/from_node_id']);
    expect(await refused({ from_node_id: 'c' })).toEqual([422, '/from_node_id']);
    expect(await refused({ at_version: 999 })).toEqual([422, '/at_version']);
    expect(await refused({ at_version: 0 })).toEqual([422, '/at_version']);
    expect(await refused({ version: 'newest' })).toEqual([422, '/version']);
    expect(await refused({ from: 'a' })).toEqual([422, '/from']);
    expect((await post(`executions/${source.id}/replay?wait=soon`)).status).toBe(400);
    const { body: alive } = await post('workflows/slow/executions', { input: { ms: 60_000 } });
    const early = await post(`executions/${alive.id}/replay`);
    expect([early.status, early.body.state]).toEqual([409, { status: expect.any(String), version: expect.any(Number) }]);
    await post(`executions/${alive.id}/cancel`);
  });

  it('is for editors, and only of executions of their workspace', async () => {
    const source = await ran('sums', { n: 1 });
    const { body: viewer } = await post('api-keys', { name: 'v', role: 'viewer' });
    const asViewer = caller(runlog.url, viewer.key);
    for (const verb of ['retry', 'replay']) {
      expect((await asViewer('POST', `/api/v1/executions/${source.id}/${verb}`)).status).toBe(403);
      expect((await post(`executions/0199b7a3-b994-7588-82bf-549a3600bc27/${verb}`)).status).toBe(404);
    }
  });
});

describe('docs/replay.md', () => {
  it('says what happens', async () => {
    await publish(runlog, inSequence('report', [code('fetch', 'return 1;'), approval('check'), code('render', 'return nodes.fetch + 1;')]));
    await ran('report', {});
    await post('executions/report_1/respond', { decision: 'approve' });
    await ended('report_1');
    const snippets = await snippetsOf('docs/replay.md');
    const run = async (name: string) => JSON.parse(await bash(snippets.get(name) ?? 'false', { cwd: runlog.home, env: { RUNLOG_URL: runlog.url, RUNLOG_API_KEY: runlog.key } }));
    expect((await run('plan')).nodes.map(({ action }: { action: string }) => action)).toEqual(['reuse', 'reuse', 'run']);
    expect(await run('replay')).toMatchObject({ status: 'completed', output: 2 });
    expect(await run('retry')).toMatchObject({ status: 'awaiting_approval', retry_count: 1, trigger: { kind: 'retry' } });
    const printed = await bash(snippets.get('family') ?? 'false', { cwd: runlog.home, env: { RUNLOG_URL: runlog.url, RUNLOG_API_KEY: runlog.key } });
    expect(documentsIn(printed).map(({ data }) => data)).toEqual([[{ key: 'report_3', status: 'awaiting_approval' }], [{ key: 'report_2', status: 'completed' }]]);
  });
});

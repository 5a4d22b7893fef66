import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '../../journeys/until.js';
import { code, inSequence } from '../../journeys/workflows.js';
import { startModel } from '../../models/start-model.mjs';
import { misfits, type Product, startProduct, type Table } from '../product.js';
import { asking, doubling, failing } from '../workflows.js';

jest.setTimeout(90_000);

/** "The following information is returned when an execution is retrieved", and what it is found by. */
const page: Table = {
  id: 'uuid',
  executionId: 'uuid',
  execution_uuid: 'uuid',
  workflow_id: 'uuid',
  status: 'string',
  error: 'string | null',
  duration_ms: 'integer | null',
  n_steps: 'integer',
  n_agent_actions: 'integer',
  n_screenshots: 'integer',
  output_url: 'url | null',
  video_url: 'null',
  logs_url: 'url',
  logs: 'array',
};
const states = ['pending', 'queued', 'running', 'completed', 'failed'];

let product: Product;
/** As an unchanged client does it: the key in a header of its own. */
let kinetic: Product['call'];

beforeAll(async () => {
  product = await startProduct('kinetic');
  const key = await product.newKey({});
  kinetic = (method, path, body, headers = {}) => product.call(method, path, body, { authorization: '', 'kinetic-api-key': key, ...headers });
  for (const definition of [doubling, failing, asking]) await product.publish(definition);
}, 120_000);
afterAll(() => product?.discard());

const execute = (workflow: string, body?: unknown) => kinetic('POST', `/api/workflows/${workflow}/execute`, body);
const get = (id: string) => kinetic('GET', `/api/executions/${id}`);
const ended = (id: string) =>
  until(
    async () => {
      const { body } = await get(id);
      return ['completed', 'failed'].includes(body.status) && body;
    },
    { what: `execution ${id} to end` },
  );

describe('An execution is a single run of a workflow', () => {
  it('and a workflow can have multiple executions', async () => {
    const [one, two] = await Promise.all([execute('doubling', { inputPayload: { n: 1 } }), execute('doubling', { inputPayload: { n: 2 } })]);
    expect(one.body.workflow_id).toBe(two.body.workflow_id);
    expect(one.body.id).not.toBe(two.body.id);
  });

  it('goes through pending, queued, running, completed', async () => {
    const { body } = await execute('doubling', { inputPayload: { n: 1 } });
    await ended(body.id);
    const { version } = await product.once(body.id, 'the end', ({ is_terminal }) => is_terminal);
    const words = await Promise.all(Array.from({ length: version }, async (_, at) => (await kinetic('GET', `/api/executions/${body.id}?at_version=${at + 1}`)).body.status));
    expect(words.filter((word, at) => word !== words[at - 1])).toEqual(['pending', 'queued', 'running', 'completed']);
  });

  it('or failed, when it failed to complete the workflow', async () => {
    const { body } = await execute('failing');
    expect(await ended(body.id)).toMatchObject({ status: 'failed', error: expect.stringContaining('no more paper'), output_url: null });
  });

  it('is failed when it was cancelled or rejected, and the error says so', async () => {
    const [cancelled, rejected] = [(await execute('asking')).body, (await execute('asking')).body];
    await product.call('POST', `/api/v1/executions/${cancelled.id}/cancel`, { reason: 'too late' });
    await product.call('POST', `/api/v1/executions/${rejected.id}/respond`, { decision: 'reject' });
    expect(await ended(cancelled.id)).toMatchObject({ status: 'failed', error: expect.stringMatching(/cancelled.*too late/i) });
    expect(await ended(rejected.id)).toMatchObject({ status: 'failed', error: expect.stringMatching(/rejected/i) });
  });

  it('is running while it waits for a person, and never in any other state', async () => {
    const { body } = await execute('asking');
    expect(body.status).toBe('running');
    for (const { id } of (await product.call('GET', '/api/v1/executions?limit=100')).body.data) expect(states).toContain((await get(id)).body.status);
  });
});

describe('Create', () => {
  it('creates an execution and appends it to a queue for processing', async () => {
    const { status, headers, body } = await execute('doubling', { inputPayload: { n: 4 } });
    expect([status, headers.get('location')]).toEqual([201, `/api/executions/${body.id}`]);
    expect(misfits(body, page)).toEqual([]);
    const { body: history } = await product.call('GET', `/api/v1/executions/${body.id}/events`);
    expect(history.data.slice(0, 3).map(({ type }: { type: string }) => type)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted']);
  });

  it('takes execution-specific inputs as inputPayload', async () => {
    for (const name of ['inputPayload', 'input_payload']) {
      const { body } = await execute('doubling', { [name]: { n: 21 } });
      expect((await product.once(body.id, 'the end', ({ is_terminal }) => is_terminal)).output).toEqual({ doubled: 42 });
    }
  });

  it('needs no body, and passes over what it does not know', async () => {
    for (const body of [undefined, '', {}, { workflowVersion: 7, priority: 'high' }]) expect((await execute('asking', body)).status).toBe(201);
    expect((await kinetic('POST', '/api/workflows/asking/execute?verbose=yes')).status).toBe(201);
  });

  it('answers problems', async () => {
    expect(await execute('nowhere')).toMatchObject({ status: 404, body: { code: 'workflow_not_found' } });
    expect(await execute('doubling', { inputPayload: { n: 'x' } })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/inputPayload/n' }] } });
    expect(await execute('doubling', { input_payload: {} })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/input_payload/n' }] } });
    expect(await execute('doubling', '{')).toMatchObject({ status: 400 });
    const { body, headers } = await get('nowhere_1');
    expect([headers.get('content-type'), Object.keys(body).sort()]).toEqual([
      expect.stringContaining('application/problem+json'),
      ['code', 'detail', 'errors', 'request_id', 'status', 'title', 'type'],
    ]);
  });
});

describe('Retry', () => {
  it("clones the current execution's details, stops it, then queues the newly created execution", async () => {
    const { body: prior } = await execute('asking', { inputPayload: { total: 7 } });
    const { status, body: next, headers } = await kinetic('POST', `/api/executions/${prior.id}/retry`);
    expect([status, headers.get('location')]).toEqual([201, `/api/executions/${next.id}`]);
    expect(misfits(next, page)).toEqual([]);
    expect(next.id).not.toBe(prior.id);
    expect(await ended(prior.id)).toMatchObject({ status: 'failed', error: expect.stringMatching(/superseded/i) });
    const [before, after] = await Promise.all([prior.id, next.id].map((id) => product.once(id, 'it to begin', ({ started_at }) => started_at !== null)));
    expect([after.input, after.workflow_version_id, after.metadata]).toEqual([before.input, before.workflow_version_id, before.metadata]);
    expect(after.retry_of).toBe(prior.id);
    expect(Date.parse(after.started_at)).toBeGreaterThanOrEqual(Date.parse(before.cancelled_at));
  });

  it('retries a prior execution that has ended', async () => {
    const { body: prior } = await execute('doubling', { inputPayload: { n: 3 } });
    await ended(prior.id);
    const { status, body: next } = await kinetic('POST', `/api/executions/${prior.id}/retry`, {});
    expect(status).toBe(201);
    await ended(next.id);
    expect((await product.call('GET', `/api/v1/executions/${next.id}`)).body.output).toEqual({ doubled: 6 });
    expect((await get(prior.id)).body.status).toBe('completed');
  });

  it('of an unknown execution is 404', async () => {
    expect((await kinetic('POST', '/api/executions/0199b7a3-b994-7588-82bf-549a3600bc27/retry')).status).toBe(404);
  });
});

describe('Outputs', () => {
  it('are what the page lists, in every state', async () => {
    const { body } = await execute('doubling', { inputPayload: { n: 5 } });
    const last = await ended(body.id);
    const all = [...(await Promise.all([1, 2, 3].map(async (at) => (await kinetic('GET', `/api/executions/${body.id}?at_version=${at}`)).body))), last];
    for (const one of all) expect(misfits(one, page)).toEqual([]);
    expect([last.id, last.executionId, last.execution_uuid]).toEqual([body.id, body.id, body.id]);
    expect(all[0]).toMatchObject({ status: 'pending', duration_ms: null, n_steps: 0, output_url: null });
    expect(last).toMatchObject({ error: null, n_steps: 2, n_agent_actions: 0, n_screenshots: 0 });
    const canonical = (await product.call('GET', `/api/v1/executions/${body.id}`)).body;
    expect(last.duration_ms).toBe(canonical.duration_ms);
  });

  it('have URLs that need the same key and nothing else', async () => {
    const { body } = await execute('doubling', { inputPayload: { n: 8 } });
    const { output_url, logs_url } = await ended(body.id);
    for (const key of [await product.newKey({}), product.dialectKey]) {
      const read = async (url: string) => (await fetch(url, { headers: { 'kinetic-api-key': key } })).json();
      expect(await read(output_url)).toEqual({ doubled: 16 });
      await until(async () => ((await read(logs_url)) as { data: { message: string }[] }).data.some(({ message }) => message === 'doubled 16'), { what: 'the line' });
    }
    expect((await fetch(output_url)).status).toBe(401);
  });
});

describe('Logs', () => {
  it('are returned with the execution: what its steps have logged', async () => {
    const { body } = await execute('doubling', { inputPayload: { n: 9 } });
    await ended(body.id);
    const line = await until(async () => (await get(body.id)).body.logs.find(({ message }: { message: string }) => message === 'doubled 18'), { what: 'the line' });
    expect(misfits(line, { seq: 'integer', at: 'timestamp', level: 'string', node_id: 'string', attempt: 'integer', message: 'string', fields: 'any' })).toEqual([]);
    expect(line).toMatchObject({ node_id: 'say', level: 'info' });
  });

  it('are the last thousand lines, oldest first', async () => {
    await product.publish(
      inSequence('talking', [code('talk', 'for (let i = 1; i <= 600; i++) console.log("line", i);'), code('more', 'for (let i = 601; i <= 1200; i++) console.log("line", i);')]),
    );
    const { body } = await execute('talking');
    await ended(body.id);
    const logs = await until(
      async () => {
        const lines: { seq: number; message: string }[] = (await get(body.id)).body.logs;
        return lines.some(({ message }) => message === 'line 1200') ? lines : undefined;
      },
      { what: 'the last line' },
    );
    expect(logs).toHaveLength(1000);
    expect(logs.map(({ seq }) => seq)).toEqual(logs.map(({ seq }) => seq).sort((a, b) => a - b));
    expect(logs.at(-1)?.seq).toBeGreaterThan(logs[0]?.seq ?? 0);
    expect(logs.some(({ message }) => message === 'line 1')).toBe(false);
  });
});

describe('Keys', () => {
  it('are taken from kinetic-api-key, X-API-Key or Authorization, and two that differ are refused', async () => {
    const { body } = await execute('asking');
    const [one, other] = [await product.newKey({}), await product.newKey({})];
    const asked = (headers: Record<string, string>) => fetch(`${product.url}/api/executions/${body.id}`, { headers });
    const fit: Record<string, string>[] = [{ 'kinetic-api-key': one }, { 'X-API-Key': one }, { Authorization: `Bearer ${one}` }, { 'kinetic-api-key': one, 'X-API-Key': one }];
    for (const headers of fit) expect((await asked(headers)).status).toBe(200);
    expect((await asked({ 'kinetic-api-key': one, 'X-API-Key': other })).status).toBe(400);
    expect((await asked({})).status).toBe(401);
    expect((await asked({ 'kinetic-api-key': 'rl_nobody' })).status).toBe(401);
  });
});

describe('under /api/v1', () => {
  it('is spoken when the key, the Accept header or ?dialect asks for it', async () => {
    const { body } = await product.run('doubling', { n: 2 });
    const path = `/api/v1/executions/${body.id}`;
    for (const { body: one } of [
      await product.as('GET', path),
      await product.call('GET', `${path}?dialect=kinetic`),
      await product.call('GET', path, undefined, { accept: 'application/vnd.runlog.kinetic+json' }),
    ])
      expect(misfits(one, page)).toEqual([]);
    expect((await product.as('GET', `${path}?dialect=canonical`)).body.object).toBe('execution');
  });

  it('has no list', async () => {
    expect((await kinetic('GET', '/api/executions')).status).toBe(404);
    expect((await product.as('GET', '/api/v1/executions')).status).toBe(400);
  });
});

describe('n_agent_actions', () => {
  it('is the number of agent actions in the execution', async () => {
    const model = await startModel();
    try {
      const tool = { name: 'add', kind: 'code', config: { source: 'return input.a + input.b;' } };
      await model.script('adding', { turns: [{ tools: [1, 2].map((a) => ({ name: 'add', arguments: { a, b: 1 } })) }, { content: 'Done: {{result}}' }] });
      await product.call('POST', '/api/v1/agents', {
        key: 'adder',
        name: 'Adder',
        model: { provider: 'openai_compatible', name: 'any', base_url: model.baseUrl('adding') },
        tools: [tool],
      });
      const node = { id: 'act', type: 'agent', name: 'Act', config: { agent: 'adder' } };
      await product.call('POST', '/api/v1/workflows', { key: 'acting', name: 'Acting', nodes: [node], edges: [{ from: 'start_of_workflow', to: 'act' }] });
      const { body } = await product.run('acting');
      expect((await kinetic('GET', `/api/executions/${body.id}`)).body).toMatchObject({ status: 'completed', n_agent_actions: 2, n_steps: 1 });
    } finally {
      await model.stop();
    }
  });
});

describe('for later', () => {
  it.todo('dashboard: "You can also create an execution manually via the dashboard"');
  it.todo('video: "video_url: the URL of the video of the execution"');
  it.todo('video: "n_screenshots: the number of screenshots in the execution", other than 0');
  it.todo('agents: "The agent runs inside the container", spawned once resources are available and spun down at the end');
});

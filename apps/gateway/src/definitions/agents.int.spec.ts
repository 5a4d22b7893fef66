import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type RunningGateway, startGateway } from '../testing/running-gateway.js';

const support = {
  key: 'support',
  name: 'Support',
  model: { provider: 'openai_compatible', name: 'home-made', base_url: 'http://127.0.0.1:9/v1' },
  input_schema: { type: 'object', required: ['message'], properties: { message: { type: 'string' } } },
};
const asking = (agent: string, more = {}) => ({
  name: 'Asking',
  nodes: [{ id: 'ask', type: 'agent', name: 'Ask', config: { agent, input: { message: '{{ input.text }}' } } }],
  edges: [{ from: 'start_of_workflow', to: 'ask' }],
  ...more,
});

let gateway: RunningGateway;
// biome-ignore lint/suspicious/noExplicitAny: answers are JSON
const post = async (path: string, body: object): Promise<{ status: number; body: any }> => gateway.call('POST', path, body);
const get = async (path: string) => (await gateway.call('GET', path)).body;

beforeAll(async () => {
  gateway = await startGateway();
  expect((await post('/api/v1/agents', support)).status).toBe(201);
}, 120_000);
afterAll(() => gateway?.stop(), 60_000);

describe('/agents', () => {
  it('are created once per key, with a workflow that is theirs alone', async () => {
    const agent = await get('/api/v1/agents/support');
    expect(agent).toMatchObject({ object: 'agent', key: 'support', version: 1, definition: { ...support, tools: [], guardrails: [], limits: {} } });
    expect(await get(`/api/v1/agents/${agent.id}`)).toEqual(agent);
    expect(await post('/api/v1/agents', support)).toMatchObject({ status: 409, body: { code: 'agent_exists', state: { id: agent.id } } });
    expect(await post('/api/v1/workflows', { key: 'support', ...asking('support') })).toMatchObject({ status: 409, body: { code: 'agent_exists' } });
    expect(await post(`/api/v1/workflows/${agent.workflow_id}/versions`, { key: 'support', ...asking('support') })).toMatchObject({
      status: 409,
      body: { code: 'workflow_of_agent' },
    });
    expect((await get('/api/v1/agents')).data.map(({ id }: { id: string }) => id)).toEqual([agent.id]);
    expect((await get('/api/v1/workflows')).data).toEqual([]);
    const key = await gateway.publish(asking('support'));
    expect(await post('/api/v1/agents', { ...support, key })).toMatchObject({ status: 409, body: { code: 'workflow_exists' } });
  });

  it('have versions that never change', async () => {
    const first = await post('/api/v1/agents', { ...support, key: 'versioned' });
    const again = await post('/api/v1/agents/versioned/versions', { ...support, key: 'versioned' });
    expect([again.status, again.body.id]).toEqual([200, first.body.agent_version_id]);
    expect(await post('/api/v1/agents/versioned/versions', { ...support, key: 'versioned', name: 'Renamed' })).toMatchObject({
      status: 201,
      body: { version: 2, agent_id: first.body.id },
    });
    expect((await get('/api/v1/agents/versioned/versions')).data.map(({ version }: { version: number }) => version)).toEqual([2, 1]);
    for (const ref of ['1', first.body.agent_version_id])
      expect(await get(`/api/v1/agents/versioned/versions/${ref}`)).toMatchObject({ version: 1, definition: { name: 'Support' } });
    expect((await gateway.call('GET', '/api/v1/agents/support/versions/2')).status).toBe(404);
    expect((await gateway.call('GET', `/api/v1/agents/support/versions/${first.body.agent_version_id}`)).status).toBe(404);
    expect(await post('/api/v1/agents/versioned/versions', support)).toMatchObject({ status: 422, body: { errors: [{ pointer: '/key' }] } });
    expect((await gateway.call('GET', '/api/v1/agents/nobody')).body.code).toBe('agent_not_found');
  });

  it('are refused with everything that is wrong, also without being published', async () => {
    const wrong = { ...support, key: 'Wrong', modle: 1, tools: [{ name: 'a b', kind: 'htpp' }] };
    const { status, body } = await post('/api/v1/agents', wrong);
    expect([status, body.code, body.errors.map(({ pointer }: { pointer: string }) => pointer)]).toEqual([
      422,
      'invalid_definition',
      ['/modle', '/key', '/tools/0/name', '/tools/0/kind'],
    ]);
    expect((await post('/api/v1/agents/validate', wrong)).body).toEqual({ valid: false, errors: body.errors });
    expect((await post('/api/v1/agents/validate', support)).body).toEqual({ valid: true, errors: [] });
  });

  it('with a budget need models with a known price', async () => {
    const limited = { ...support, key: 'limited', fallback: { provider: 'openai', name: 'gpt-4o-mini' }, limits: { budget_usd: 1 } };
    expect(await post('/api/v1/agents', limited)).toMatchObject({
      status: 422,
      body: {
        code: 'price_unknown',
        errors: [{ pointer: '/model/name', detail: expect.stringContaining("there is none for 'home-made'; add it to the file that RUNLOG_PRICES names") }],
      },
    });
    expect((await post('/api/v1/agents/validate', limited)).body.errors).toMatchObject([{ pointer: '/model/name' }]);
    expect((await post('/api/v1/agents', { ...limited, model: { provider: 'openai', name: 'gpt-4o' } })).status).toBe(201);
    expect(await post('/api/v1/workflows', { key: 'dear', ...asking('support', { settings: { budget_usd: 1 } }) })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/nodes/0/config/agent' }] },
    });
  });
});

describe('workflows with nodes of agents', () => {
  it('pin the latest versions when they are published', async () => {
    const agent = (await post('/api/v1/agents', { ...support, key: 'pinned' })).body;
    const published = await post('/api/v1/workflows', { key: 'pins', ...asking('pinned') });
    const versions = `/api/v1/workflows/${published.body.id}/versions`;
    expect(await get(`${versions}/1`)).toMatchObject({ agents: { ask: agent.agent_version_id } });
    expect((await post(versions, { key: 'pins', ...asking('pinned') })).status).toBe(200);
    const next = (await post('/api/v1/agents/pinned/versions', { ...support, key: 'pinned', name: 'Second' })).body;
    expect(await post(versions, { key: 'pins', ...asking('pinned') })).toMatchObject({ status: 201, body: { version: 2, agents: { ask: next.id } } });
  });

  it('name agents that are there', async () => {
    const unknown = asking('suport');
    expect(await post('/api/v1/workflows', { key: 'lost', ...unknown })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/nodes/0/config/agent', suggestion: 'support' }] },
    });
    expect((await post('/api/v1/workflows/validate', { key: 'lost', ...unknown })).body).toMatchObject({ valid: false, errors: [{ pointer: '/nodes/0/config/agent' }] });
  });
});

describe('executions of agents', () => {
  const create = (path: string, body: object) => post(path, { input: { message: 'Hello' }, ...body });

  it('have the agent and its version, however they are created', async () => {
    const agent = await get('/api/v1/agents/support');
    const of = { agent_id: agent.id, agent_version_id: agent.agent_version_id, workflow_id: agent.workflow_id };
    const made = [
      await create('/api/v1/agents/support/execute', { async_mode: true }),
      await create(`/api/v1/agents/${agent.id}/execute?wait=50`, { sync: false }),
      await create('/api/v1/agents/support/execute?wait=0', {}),
      await create('/api/v1/executions', { agent_id: 'support' }),
      await create(`/api/v1/workflows/${agent.workflow_id}/executions`, {}),
    ];
    for (const { status, body } of made) expect([status, body]).toMatchObject([201, { ...of, status: expect.any(String), key: expect.stringMatching(/^support_\d+$/) }]);
    const { body: batch } = await post('/api/v1/executions/batch', {
      executions: [{ agent_id: 'support', input: { message: 'Hi' } }, { agent_id: 'nobody' }, { agent_id: 'support', workflow_id: 'x' }, {}],
    });
    expect(batch.data).toMatchObject([{ status: 201 }, { status: 422 }, { status: 422 }, { status: 422 }]);
    expect(await get(`/api/v1/executions/${batch.data[0].id}?min_version=1`)).toMatchObject(of);
    await gateway.listed({ id: batch.data[0].id, version: 1 });
    for (const ref of ['support', agent.id]) expect((await get(`/api/v1/executions?agent_id=${ref}`)).data).toHaveLength(6);
    expect((await get('/api/v1/executions?agent_id=nobody')).data).toEqual([]);
  });

  it('are checked against the schema of the version', async () => {
    expect(await post('/api/v1/agents/support/execute', { input: { message: 1 } })).toMatchObject({
      status: 422,
      body: { code: 'invalid_input', errors: [{ pointer: '/input/message' }] },
    });
    expect(await post('/api/v1/agents/support/execute', {})).toMatchObject({ status: 422, body: { errors: [{ pointer: '/input/message' }] } });
    expect(await create('/api/v1/agents/nobody/execute', {})).toMatchObject({ status: 404, body: { code: 'agent_not_found' } });
    expect(await create('/api/v1/executions', { agent_id: 'nobody' })).toMatchObject({ status: 422, body: { code: 'agent_not_found', errors: [{ pointer: '/agent_id' }] } });
    expect(await create('/api/v1/executions', { agent_id: 'support', workflow_id: 'support' })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/agent_id' }] } });
  });

  it('are of the version that is asked for', async () => {
    const first = (await post('/api/v1/agents', { ...support, key: 'chosen' })).body;
    const { input_schema: _, ...open } = support;
    const second = (await post('/api/v1/agents/chosen/versions', { ...open, key: 'chosen' })).body;
    const versionOf = async (body: object) => (await create('/api/v1/agents/chosen/execute', { async_mode: true, ...body })).body.agent_version_id;
    expect([await versionOf({}), await versionOf({ version_id: '1' }), await versionOf({ version_id: first.agent_version_id })]).toEqual([
      second.id,
      first.agent_version_id,
      first.agent_version_id,
    ]);
    expect(await create('/api/v1/agents/chosen/execute', { version_id: '3' })).toMatchObject({
      status: 422,
      body: { code: 'agent_version_not_found', errors: [{ pointer: '/version_id' }] },
    });
    const cancelled = (await create('/api/v1/agents/chosen/execute', { async_mode: true, version_id: '1' })).body;
    expect([200, 202]).toContain((await post(`/api/v1/executions/${cancelled.id}/cancel`, {})).status);
    await expect(get(`/api/v1/executions/${cancelled.id}`)).resolves.toMatchObject({ agent_version_id: first.agent_version_id });
  });
});

describe('a key of the agents dialect', () => {
  it('is told of unknown routes and methods in its words', async () => {
    const { key } = (await post('/api/v1/api-keys', { name: 'agents', role: 'viewer', dialect: 'agents' })).body;
    const as = { authorization: '', 'x-api-key': key };
    const missing = await gateway.call('GET', '/api/v1/nothing', undefined, as);
    expect(missing).toMatchObject({ status: 404, body: { code: 'route_not_found', error: { code: 'route_not_found', message: missing.body.detail, details: {} } } });
    expect(await gateway.call('PATCH', '/api/v1/agents', undefined, as)).toMatchObject({ status: 405, body: { error: { code: 'method_not_allowed' } } });
    expect((await gateway.call('GET', '/api/v1/nothing', undefined, { authorization: '', 'x-api-key': 'unknown' })).body.error).toBeUndefined();
    expect((await gateway.call('GET', '/api/v1/nothing')).body).not.toHaveProperty('error');
  });
});

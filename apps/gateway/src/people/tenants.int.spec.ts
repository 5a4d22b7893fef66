import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { pureDefinition, type RunningGateway, startGateway } from '../testing/running-gateway.js';

interface Operation {
  readonly operationId: string;
  readonly 'x-permission'?: string;
  readonly 'x-least-role'?: string;
}

/** Only this workspace knows the word. */
const mark = 'aardvark';
const runs = ['executions:create', 'executions:cancel', 'executions:retry', 'executions:replay'];
const order = ['viewer', 'editor', 'admin'];

let gateway: RunningGateway;
let logs: string;
let operations: { readonly method: string; readonly path: string; readonly operation: Operation }[];
let parameters: Readonly<Record<string, string>>;
let foreign: { readonly key: string; readonly execution: string };

const as = (key: string) => ({ authorization: '', 'x-api-key': key });
const make = async (path: string, body: object, headers = {}) => {
  const made = await gateway.call('POST', path, body, headers);
  if (made.status !== 201 && made.status !== 200) throw new Error(`Expected ${path} to make something, but got ${made.status}: ${made.text}`);
  return made.body;
};
const keyOf = async (body: object): Promise<string> => (await make('/api/v1/api-keys', { name: 'one', ...body })).key;

beforeAll(async () => {
  logs = await mkdtemp(join(tmpdir(), 'runlog-audit-'));
  gateway = await startGateway({ LOG_LEVEL: 'error', RUNLOG_LOG_FILE: join(logs, 'gateway.log') });
  const workflow = await make('/api/v1/workflows', { key: 'private', name: mark, ...pureDefinition });
  const execution = await make('/api/v1/workflows/private/executions?wait=50', { input: { n: 1, [mark]: mark } });
  const agent = await make('/api/v1/agents', { key: 'private_agent', name: mark, model: { provider: 'openai', name: mark } });
  await gateway.listed(await make('/api/v1/agents/private_agent/execute', { input: { message: mark }, session_id: 'private-session', async_mode: true }));
  const pod = await make('/api/v1/pods', { slug: 'inner', name: mark });
  const user = await make('/api/v1/users', { email: `${mark}@example.com`, name: mark });
  const key = await make('/api/v1/api-keys', { name: mark, role: 'viewer' });
  await gateway.call('PUT', '/api/v1/queues/inner', { limit: 1 });
  await gateway.call('PUT', '/api/v1/secrets/inner', { value: mark });
  const workspace = (await gateway.call('GET', '/api/v1/workspaces')).body.data[0];
  const other = await make('/api/v1/workspaces', { slug: 'other', name: 'Other', timezone: 'Europe/Berlin' });
  await make('/api/v1/workflows', { key: 'theirs', name: 'Theirs', ...pureDefinition }, as(other.api_key.key));
  foreign = { key: other.api_key.key, execution: (await make('/api/v1/workflows/theirs/executions?wait=50', { input: { n: 2 } }, as(other.api_key.key))).id };
  parameters = {
    execution_id: execution.id,
    other_id: execution.id,
    other: execution.id,
    workflow_id: workflow.id,
    version: '1',
    node_id: 'double',
    name: 'inner',
    key_id: key.id,
    user_id: user.id,
    pod_id: pod.id,
    workspace_id: workspace.id,
    wId: workspace.id,
    podId: 'default',
    agent_id: agent.id,
    session_id: 'private-session',
  };
  const { paths } = (await gateway.call('GET', '/openapi.json')).body as { paths: Record<string, Record<string, Operation>> };
  operations = Object.entries(paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })));
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  await rm(logs, { recursive: true, force: true });
}, 60_000);

const pathOf = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`Expected a value for {${name}} of ${path}: give the matrix one`);
    return value;
  });
const ask = ({ method, path }: { method: string; path: string }, headers: Record<string, string>, values = parameters) =>
  gateway.call(method, pathOf(path, values), method === 'GET' || method === 'DELETE' ? undefined : {}, headers);

describe('every operation of the API', () => {
  it('says which permission it needs, or is open to everybody', () => {
    const open = operations.filter(({ operation }) => !operation['x-permission']).map(({ path }) => path);
    expect(open.sort()).toEqual(['/health/live', '/health/ready', '/metrics', '/openapi.json'].filter((path) => open.includes(path)));
    expect(operations.length).toBeGreaterThan(50);
  });

  it('wants a key', async () => {
    for (const one of operations.filter(({ operation }) => operation['x-permission']))
      expect({ ...one, status: (await ask(one, { authorization: '' })).status }).toMatchObject({ status: 401 });
  });

  it('shows another workspace nothing, and does not say that there is something', async () => {
    const leaks: string[] = [];
    for (const one of operations) {
      if (!one.operation['x-permission'] || one.operation.operationId === 'createWorkspace') continue;
      const { status, text } = await ask(one, as(foreign.key));
      const named = /\{(execution_id|other\w*|workflow_id|agent_id|session_id|key_id|user_id|pod_id|workspace_id|wId)\}/.test(one.path);
      // A body may be found wrong before anything is looked for; then nothing is said about what was named.
      if (text.includes(mark) || status === 403 || (named && ![400, 404, 422].includes(status))) leaks.push(`${one.method} ${one.path}: ${status} ${text.slice(0, 200)}`);
    }
    expect(leaks).toEqual([]);
  });

  it.each([
    ['viewer', [], () => false],
    ['viewer', ['run'], (permission: string) => runs.includes(permission)],
    ['viewer', ['approve'], (permission: string) => permission === 'executions:respond'],
    ['editor', [], () => false],
    ['admin', [], () => false],
  ] as const)('is for those who may: %s %s', async (role, permissions, beside) => {
    const key = await keyOf({ role, permissions });
    const wrong: string[] = [];
    // Asked of things that are not there: what may be done takes nothing from the others.
    const nowhere = {
      ...parameters,
      execution_id: foreign.execution,
      agent_id: foreign.execution,
      other: foreign.execution,
      key_id: foreign.execution,
      user_id: foreign.execution,
    };
    for (const one of operations) {
      const permission = one.operation['x-permission'];
      if (!permission || one.operation.operationId === 'createWorkspace') continue;
      const { status, body } = await ask(one, as(key), nowhere);
      const may = order.indexOf(role) >= order.indexOf(one.operation['x-least-role'] as string) || beside(permission);
      const isRefused = status === 403 && body.code === 'forbidden';
      if (may ? isRefused || status === 401 || status >= 500 : !isRefused) wrong.push(`${one.method} ${one.path} (${permission}): ${status}`);
    }
    expect(wrong).toEqual([]);
  });
});

describe('workspaces', () => {
  it('are made by an admin of the first one alone, each with its own admin, pod and time zone', async () => {
    expect((await gateway.call('POST', '/api/v1/workspaces', { slug: 'third' }, as(foreign.key))).status).toBe(403);
    expect((await gateway.call('POST', '/api/v1/workspaces', { slug: 'other' })).status).toBe(409);
    expect((await gateway.call('POST', '/api/v1/workspaces', { slug: 'Not a slug' })).status).toBe(422);
    expect((await gateway.call('POST', '/api/v1/workspaces', { slug: 'nowhere', timezone: 'Mars/Olympus' })).body.errors).toMatchObject([{ pointer: '/timezone' }]);
    const { body } = await gateway.call('GET', '/api/v1/workspaces', undefined, as(foreign.key));
    expect(body.data).toMatchObject([{ slug: 'other', timezone: 'Europe/Berlin' }]);
    expect((await gateway.call('GET', `/api/v1/executions/${foreign.execution}`, undefined, as(foreign.key))).body.created_at).toMatch(/\+0[12]:00$/);
    expect((await gateway.call('GET', '/api/v1/executions', undefined, as(foreign.key))).body.data).toHaveLength(1);
  });
});

describe('people', () => {
  it('act by the keys that belong to them, and their keys go with them', async () => {
    const user = await make('/api/v1/users', { email: 'ada@example.com', name: 'Ada' });
    expect((await gateway.call('POST', '/api/v1/users', { email: 'ADA@example.com', name: 'Ada again' })).status).toBe(409);
    expect((await gateway.call('POST', '/api/v1/users', { email: 'ada', name: '' })).body.errors).toMatchObject([{ pointer: '/email' }, { pointer: '/name' }]);
    expect((await gateway.call('POST', '/api/v1/api-keys', { name: 'k', role: 'viewer', user_id: foreign.execution })).body.code).toBe('user_not_found');
    const key = await keyOf({ role: 'viewer', permissions: ['run'], user_id: user.id });
    const execution = await make('/api/v1/workflows/private/executions?wait=50', { input: { n: 3 } }, as(key));
    expect(execution.user_id).toBe(user.id);
    const listed = async () => (await gateway.call('GET', `/api/v1/executions?user_id=${user.id}`)).body.data as { id: string }[];
    await gateway.listed(execution);
    expect(await listed()).toMatchObject([{ id: execution.id }]);
    expect((await gateway.call('DELETE', `/api/v1/users/${user.id}`)).status).toBe(204);
    expect((await gateway.call('GET', '/api/v1/executions', undefined, as(key))).status).toBe(401);
    expect((await gateway.call('GET', `/api/v1/users/${user.id}`)).status).toBe(404);
    expect((await gateway.call('POST', '/api/v1/users', { email: 'ada@example.com', name: 'Ada' })).status).toBe(201);
  });
});

describe('a key of one pod', () => {
  it('changes nothing that the whole workspace has, and does not see who did what in it', async () => {
    const user = await make('/api/v1/users', { email: 'grace@example.com', name: 'Grace' });
    const key = await keyOf({ role: 'admin', pod_id: 'inner' });
    const asked = [
      ['POST', '/api/v1/users', { email: 'new@example.com', name: 'New' }],
      ['DELETE', `/api/v1/users/${user.id}`],
      ['PUT', '/api/v1/secrets/inner', { value: 'mine' }],
      ['DELETE', '/api/v1/secrets/inner'],
      ['PUT', '/api/v1/queues/inner', { limit: 2 }],
      ['POST', '/api/v1/pods', { slug: 'another' }],
      ['GET', '/api/v1/audit'],
      ['GET', '/api/v1/usage'],
    ] as const;
    for (const [method, path, body] of asked)
      expect({ method, path, ...(await gateway.call(method, path, body, as(key))) }).toMatchObject({
        status: 403,
        body: { detail: expect.stringContaining('this one is of one pod') },
      });
    expect((await gateway.call('GET', `/api/v1/users/${user.id}`, undefined, as(key))).status).toBe(200);
    expect((await gateway.call('DELETE', `/api/v1/api-keys/${user.id}`, undefined, as(key))).body.code).toBe('api_key_not_found');
  });
});

describe('the audit log', () => {
  it('has who did what, refusals too, page by page, and stays as it is', async () => {
    const key = await keyOf({ role: 'editor' });
    const refused = await gateway.call('POST', `/api/v1/executions/${parameters.execution_id}/cancel`, {}, as(key));
    await gateway.call('PUT', '/api/v1/queues/audited', { limit: 2 }, as(key));
    const actor = `user:key_${key.slice(0, 12)}`;
    const { body } = await gateway.call('GET', `/api/v1/audit?actor=${actor}&limit=1`);
    expect(body).toMatchObject({ data: [{ object: 'audit_entry', action: 'putQueue', actor, target: '/api/v1/queues/audited', status: 201 }], has_more: true });
    const rest = await gateway.call('GET', `/api/v1/audit?actor=${actor}&after=${body.next_cursor}`);
    expect(rest.body).toMatchObject({ data: [{ action: 'cancelExecution', status: 409, request_id: refused.headers.get('x-request-id') }], has_more: false });
    expect((await gateway.call('GET', '/api/v1/audit?action=createApiKey&limit=1')).body.data[0].action).toBe('createApiKey');
    expect((await gateway.call('GET', '/api/v1/audit', undefined, as(key))).status).toBe(403);
    const denied = await gateway.call('PUT', '/api/v1/secrets/inner', { value: 'mine' }, as(key));
    expect((await gateway.call('GET', `/api/v1/audit?actor=${actor}&limit=1`)).body.data).toMatchObject([
      { action: 'putSecret', target: '/api/v1/secrets/inner', status: 403, request_id: denied.headers.get('x-request-id') },
    ]);
    await expect(gateway.catalog.database.query("update audit_log set actor = 'nobody'")).rejects.toThrow('stay as it is');
    await expect(gateway.catalog.database.query('delete from audit_log')).rejects.toThrow('stay as it is');
  });

  it('that takes no entry lets no write succeed, and the log of the service has what was refused or has failed', async () => {
    const key = await keyOf({ role: 'editor' });
    const put = (path: string, body: object, headers = {}) => gateway.call('PUT', path, body, headers);
    await gateway.catalog.database.query("alter table audit_log add constraint full_disk check (action not in ('putSecret', 'putQueue')) not valid");
    const answers = [
      await put('/api/v1/secrets/inner', { value: mark }, as(key)),
      await put('/api/v1/queues/inner', { limit: -1 }),
      await put('/api/v1/queues/inner', { limit: 2 }),
    ];
    await gateway.catalog.database.query('alter table audit_log drop constraint full_disk');
    expect(answers.map(({ status }) => status)).toEqual([403, 422, 500]);
    const lines = (await readFile(join(logs, 'gateway.log'), 'utf8')).trim().split('\n');
    const missing = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg.endsWith('is missing in the audit log'));
    const idOf = (at: number) => answers[at]?.headers.get('x-request-id');
    expect(missing).toMatchObject([
      { level: 'error', action: 'putSecret', status: 403, request_id: idOf(0), actor: `user:key_${key.slice(0, 12)}` },
      { level: 'error', action: 'putQueue', status: 422, request_id: idOf(1) },
      { level: 'error', action: 'putQueue', status: 500, request_id: idOf(2) },
    ]);
    expect(missing[0].err.message).toContain('full_disk');
    expect(lines.join()).not.toContain(key);
  });
});

describe('a key that is revoked', () => {
  it('ends the streams that it opened within five seconds', async () => {
    const { id, key } = await make('/api/v1/api-keys', { name: 'watcher', role: 'viewer' });
    await make('/api/v1/workflows', {
      key: 'waits',
      name: 'Waits',
      nodes: [{ id: 'ask', type: 'question', name: 'Ask', config: { prompt: 'Well?' } }],
      edges: [{ from: 'start_of_workflow', to: 'ask' }],
    });
    const waiting = await make('/api/v1/workflows/waits/executions', {});
    const stream = await fetch(`${gateway.url}/api/v1/executions/${waiting.id}/events`, { headers: { 'x-api-key': key, accept: 'text/event-stream' } });
    expect(stream.status).toBe(200);
    const ended = (async () => {
      for await (const _ of stream.body as unknown as AsyncIterable<Uint8Array>);
    })().catch(() => undefined);
    const began = Date.now();
    await gateway.call('DELETE', `/api/v1/api-keys/${id}`);
    await ended;
    expect(Date.now() - began).toBeLessThan(30_000);
  });
});

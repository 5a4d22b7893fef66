import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ksuidOf } from './ids.js';
import { adminKey, askingDefinition, pureDefinition, type RunningGateway, startGateway } from './testing/running-gateway.js';

let gateway: RunningGateway;
let pure: string;

beforeAll(async () => {
  gateway = await startGateway();
  pure = await gateway.publish(pureDefinition);
}, 90_000);

afterAll(async () => {
  await gateway?.stop();
}, 60_000);

type Row = { readonly [member: string]: string };

describe('a batch', () => {
  it('creates each that can be, and says of each what became of it', async () => {
    const executions = [
      { workflow_id: pure, input: { n: 1 }, tags: ['batched'] },
      { workflow_id: 'nobody' },
      { workflow_id: pure, input: { n: 'one' } },
      { workflow_id: pure, input: { n: 4 } },
    ];
    const headers = { 'idempotency-key': 'batch-1' };
    const { status, body } = await gateway.call('POST', '/api/v1/executions/batch', { executions }, headers);
    expect([status, body.data.map((one: { index: number; status: number }) => [one.index, one.status])]).toEqual([
      200,
      [
        [0, 201],
        [1, 422],
        [2, 422],
        [3, 201],
      ],
    ]);
    expect(body.data[1].problem).toMatchObject({ status: 422, code: 'workflow_not_found', errors: [{ pointer: '/executions/1/workflow_id' }] });
    expect(body.data[2].problem).toMatchObject({ code: 'invalid_input', errors: [{ pointer: '/executions/2/input/n' }] });
    const again = await gateway.call('POST', '/api/v1/executions/batch', { executions }, headers);
    expect([again.body, again.headers.get('idempotency-replayed')]).toEqual([body, 'true']);
    const made = [body.data[0].id, body.data[3].id];
    for (const id of made) {
      await gateway.listed({ id, version: 3 });
      expect((await gateway.call('GET', `/api/v1/executions/${id}`)).body).toMatchObject({ id, batch_id: body.batch_id });
    }
    const listed = await gateway.call('GET', `/api/v1/executions?batch_id=${body.batch_id}&fields=id`);
    expect(listed.body.data.map(({ id }: Row) => id).sort()).toEqual([...made].sort());
  });

  it('of a thousand is one request, and its ids are the same when the first answer was lost', async () => {
    const executions = Array.from({ length: 1000 }, (_, n) => ({ workflow_id: pure, input: { n } }));
    const headers = { 'idempotency-key': 'batch-2' };
    const first = await gateway.call('POST', '/api/v1/executions/batch', { executions }, headers);
    expect(new Set(first.body.data.map(({ status }: { status: number }) => status))).toEqual(new Set([201]));
    await gateway.catalog.database.query("update idempotency_keys set status = null, response = null, created_at = created_at - 31000 where key = 'batch-2'");
    const again = await gateway.call('POST', '/api/v1/executions/batch', { executions }, headers);
    expect(again.body).toEqual(first.body);
  });

  it('holds the members of each against it alone', async () => {
    const executions = [{ workflow_id: pure, inputs: { n: 1 } }, { workflow_id: pure, tags: [1] }, 'x', { workflow_id: pure, input: { n: 1 } }];
    const { status, body } = await gateway.call('POST', '/api/v1/executions/batch', { executions });
    const pointers = body.data.map((one: { problem?: { errors: Row[] } }) => one.problem?.errors.map(({ pointer }) => pointer));
    expect([status, pointers]).toEqual([200, [['/executions/0/inputs'], ['/executions/1/tags'], ['/executions/2'], undefined]]);
    expect(body.data[3]).toEqual({ index: 3, status: 201, id: expect.any(String) });
  });

  it.each([
    [{ executions: [] }, '/executions'],
    [{ executions: 'x' }, '/executions'],
    [{ executions: [{ workflow_id: 'a' }], execution: [] }, '/execution'],
  ])('that breaks its schema creates nothing: %j', async (body, pointer) => {
    const answer = await gateway.call('POST', '/api/v1/executions/batch', body);
    expect([answer.status, answer.body.errors.map((one: Row) => one.pointer)]).toEqual([422, expect.arrayContaining([pointer])]);
  });
});

describe('usage', () => {
  const usage = async (query: string) => (await gateway.call('GET', `/api/v1/usage${query}`)).body;

  it('is counted over all, per day and per workflow, and adds up', async () => {
    const key = await gateway.publish(pureDefinition);
    const { id } = (await gateway.call('GET', `/api/v1/workflows/${key}`)).body;
    for (let n = 0; n < 3; n++) {
      const { body } = await gateway.call('POST', `/api/v1/workflows/${key}/executions?wait=50`, { input: { n } });
      await gateway.listed(body);
    }
    const [row] = (await usage(`?workflow_id=${key}`)).data;
    expect(row).toMatchObject({ object: 'usage', day: null, workflow_id: null, created: 3, completed: 3, failed: 0, cost: 0, cost_nano_usd: '0' });
    const days = (await usage(`?workflow_id=${id}&group_by=day`)).data;
    expect(days.reduce((sum: number, { created }: { created: number }) => sum + created, 0)).toBe(3);
    expect(days[0].day).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    const perWorkflow = (await usage('?group_by=workflow')).data;
    expect(perWorkflow.find(({ workflow_id }: Row) => workflow_id === id)).toMatchObject({ day: null, created: 3 });
    const first = await usage('?group_by=workflow&group_by=day&limit=1');
    const second = await usage(`?group_by=workflow&group_by=day&limit=1&after=${first.next_cursor}`);
    expect([first.data.length, first.has_more, second.data.length]).toEqual([1, true, 1]);
    expect(second.data[0].workflow_id).not.toBe(first.data[0].workflow_id);
    expect((await usage('?workflow_id=no_such_workflow')).data).toEqual([]);
  });

  it('is grouped by agent and model, too, page by page', async () => {
    const groups = 'group_by=day&group_by=workflow&group_by=agent&group_by=model';
    const whole = (await usage(`?${groups}`)).data;
    expect(whole[0]).toMatchObject({ agent_id: null, model: null, model_calls: 0, agent_actions: 0, cost_complete: true, token_usage: { input_uncached: 0, reasoning: 0 } });
    const paged: Row[] = [];
    for (let after = ''; ; ) {
      const { data, next_cursor } = await usage(`?${groups}&limit=1${after}`);
      paged.push(...data);
      if (next_cursor === null) break;
      after = `&after=${next_cursor}`;
    }
    expect(paged.map(({ workflow_id, day }) => [workflow_id, day])).toEqual(whole.map(({ workflow_id, day }: Row) => [workflow_id, day]));
    expect((await usage('?agent_id=no_such_agent')).data).toEqual([]);
  });

  it.each(['from=2026-02-30', 'from=soon', 'from=2026-03-02&to=2026-03-01', 'from=2020-01-01&to=2026-01-01', 'group_by=hour', 'after=x', 'limit=1001'])(
    'refuses %s',
    async (query) => {
      expect((await gateway.call('GET', `/api/v1/usage?${query}`)).status).toBe(400);
    },
  );

  it('is not for a key of one pod', async () => {
    const { key } = (await gateway.call('POST', '/api/v1/api-keys', { name: 'p', role: 'admin', pod_id: 'default' })).body;
    expect((await gateway.call('GET', '/api/v1/usage', undefined, { authorization: `Bearer ${key}` })).status).toBe(403);
  });
});

describe("a workspace's budget", () => {
  const budget = (method: string, body?: object, headers = {}, of = 'default') => gateway.call(method, `/api/v1/workspaces/${of}/budget`, body, headers);

  it('is set, seen and removed by an admin of the whole workspace', async () => {
    expect((await budget('GET')).body).toMatchObject({ status: 404, code: 'budget_not_found' });
    expect(await budget('PUT', { budget_usd: 1.5, period: 'day' })).toMatchObject({ status: 201, body: { object: 'budget', budget_usd: 1.5, spent_usd: 0, left_usd: 1.5 } });
    expect(await budget('PUT', { budget_usd: 2 })).toMatchObject({ status: 200, body: { budget_usd: 2, period: 'total', reserved_usd: 0 } });
    const keyed = async (more: object) => ({ authorization: `Bearer ${(await gateway.call('POST', '/api/v1/api-keys', { name: 'k', ...more })).body.key}` });
    expect((await budget('PUT', { budget_usd: 9 }, await keyed({ role: 'editor' }))).status).toBe(403);
    expect((await budget('GET', undefined, await keyed({ role: 'viewer' }))).status).toBe(200);
    expect((await budget('GET', undefined, await keyed({ role: 'admin', pod_id: 'default' }))).status).toBe(403);
    expect((await budget('GET', undefined, {}, 'another')).status).toBe(404);
    expect((await budget('DELETE')).status).toBe(204);
    expect((await budget('DELETE')).status).toBe(404);
  });

  it.each([[{}], [{ budget_usd: -1 }], [{ budget_usd: '1' }], [{ budget_usd: 1_000_001 }], [{ budget_usd: 1, period: 'year' }], [{ budget_usd: 1, more: true }]])(
    'refuses %j',
    async (body) => {
      expect((await budget('PUT', body)).status).toBe(422);
    },
  );
});

describe('workspaces and pods', () => {
  it('are those of the key, by id and slug', async () => {
    const { data } = (await gateway.call('GET', '/api/v1/workspaces')).body;
    expect(data).toMatchObject([{ object: 'workspace', slug: 'default', timezone: 'UTC' }]);
    for (const ref of [data[0].id, 'default']) expect((await gateway.call('GET', `/api/v1/workspaces/${ref}`)).body).toEqual(data[0]);
    const pods = (await gateway.call('GET', '/api/v1/pods')).body.data;
    expect(pods).toMatchObject([{ object: 'pod', slug: 'default', workspace_id: data[0].id }]);
    expect((await gateway.call('GET', '/api/v1/pods/default')).body).toEqual(pods[0]);
    for (const ref of [data[0].id, ksuidOf(data[0].id)]) expect((await gateway.call('GET', `/api/v1/workspaces/${ref}`)).status).toBe(200);
    for (const ref of [pods[0].id, ksuidOf(pods[0].id)]) expect((await gateway.call('GET', `/api/v1/executions?pod_id=${ref}&limit=1`)).status).toBe(200);
    for (const path of ['/api/v1/workspaces/%00', '/api/v1/pods/%00', '/workspaces/%00/pods/default/executions', '/workspaces/default/pods/%00/executions'])
      expect({ path, status: (await gateway.call('GET', path)).status }).toEqual({ path, status: 404 });
    for (const path of ['/api/v1/workspaces/other', '/api/v1/pods/other']) expect((await gateway.call('GET', path)).status).toBe(404);
  });
});

describe('versions', () => {
  it('are listed newest first, page by page, and found by number and id', async () => {
    const key = await gateway.publish(askingDefinition);
    for (const name of ['B', 'C']) await gateway.call('POST', `/api/v1/workflows/${key}/versions`, { key, name, ...askingDefinition });
    const first = (await gateway.call('GET', `/api/v1/workflows/${key}/versions?limit=2`)).body;
    expect(first.data.map(({ version }: Row) => version)).toEqual([3, 2]);
    const second = (await gateway.call('GET', `/api/v1/workflows/${key}/versions?limit=2&after=${first.next_cursor}`)).body;
    expect([second.data.map(({ version }: Row) => version), second.has_more]).toEqual([[1], false]);
    const back = (await gateway.call('GET', `/api/v1/workflows/${key}/versions?limit=2&before=${second.prev_cursor}`)).body;
    expect(back.data).toEqual(first.data);
    for (const ref of ['2', first.data[1].id]) expect((await gateway.call('GET', `/api/v1/workflows/${key}/versions/${ref}`)).body).toEqual(first.data[1]);
    for (const ref of ['4', '0', 'x', first.data[1].workflow_id]) expect((await gateway.call('GET', `/api/v1/workflows/${key}/versions/${ref}`)).status).toBe(404);
  });
});

describe('every answer', () => {
  it('has headers that browsers heed, and may be read from any page', async () => {
    const answer = await gateway.call('GET', '/api/v1/executions', undefined, { origin: 'https://elsewhere.example' });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': expect.stringMatching(/ETag.*Location.*Link.*Retry-After.*X-Request-Id.*Idempotency-Replayed/),
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringMatching(/^default-src 'self';(?!.*unsafe)/),
    });
    expect(answer.headers.get('x-powered-by')).toBeNull();
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    const asked = {
      authorization: '',
      origin: 'https://elsewhere.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,idempotency-key',
    };
    const preflight = await gateway.call('OPTIONS', '/api/v1/executions', undefined, asked);
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([204, 'authorization,idempotency-key']);
    expect(preflight.headers.get('access-control-allow-methods')).toMatch(/POST/);
  });

  it('names its request as the caller did, unless that is no plain word', async () => {
    expect((await gateway.call('GET', '/nowhere', undefined, { 'x-request-id': 'mine-1' })).body.request_id).toBe('mine-1');
    expect((await gateway.call('GET', '/nowhere', undefined, { 'x-request-id': 'a b' })).body.request_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('of a number too large for a database is a 400, never a 500', async () => {
    const { id } = (await gateway.call('POST', `/api/v1/workflows/${pure}/executions`, { input: { n: 1 } })).body;
    for (const query of ['/events?after=99999999999', '/logs?attempt=99999999999', '?at_version=99999999999', '?min_version=99999999999'])
      expect({ query, status: (await gateway.call('GET', `/api/v1/executions/${id}${query}`)).status }).toEqual({ query, status: 400 });
    expect((await gateway.call('GET', `/api/v1/executions/${id}/logs?after=999999999999999`)).status).toBe(200);
  });

  it('with a last id that none of its frames has is a 400, whether or not it wants a stream', async () => {
    const { id } = (await gateway.call('POST', `/api/v1/workflows/${pure}/executions`, { input: { n: 1 } })).body;
    const status = async (query: string, headers = {}) => (await gateway.call('GET', `/api/v1/executions/${id}${query}`, undefined, headers)).status;
    for (const path of ['/events', '/logs'])
      expect([path, await status(`${path}?last_event_id=0.5`), await status(path, { 'last-event-id': '1.2' }), await status(`${path}?last_event_id=1`)]).toEqual([
        path,
        400,
        400,
        200,
      ]);
  });
});

describe('a stream without news', () => {
  it('says every 15 s that it is still there', async () => {
    const asking = await gateway.publish(askingDefinition);
    const { id } = (await gateway.call('POST', `/api/v1/workflows/${asking}/executions`, { input: { total: 1 } })).body;
    const gone = new AbortController();
    const headers = { authorization: `Bearer ${adminKey}`, accept: 'text/event-stream' };
    const { body } = await fetch(`${gateway.url}/api/v1/executions/${id}/events`, { headers, signal: gone.signal });
    let text = '';
    const begun = Date.now();
    for await (const chunk of body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      if (/\n\n: still here\n\n$/.test(text)) break;
    }
    gone.abort();
    expect(Date.now() - begun).toBeGreaterThan(10_000);
    expect(text).toMatch(/^retry: 1000\n\nid: 1\n/);
  }, 60_000);
});

describe('the documents', () => {
  it('load nothing from elsewhere and run nothing that is inline', async () => {
    const open = { authorization: '' };
    const page = await gateway.call('GET', '/docs', undefined, open);
    expect(page.headers.get('content-security-policy')).not.toMatch(/unsafe|https?:|\*/);
    expect(page.text).not.toMatch(/<style|<script>|style=|(src|href)="(https?:)?\/\//);
    const assets = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path as string);
    expect(assets).toEqual(expect.arrayContaining(['/docs/swagger-ui-bundle.js', '/docs/start.js', '/docs/swagger-ui.css', '/openapi.json']));
    for (const path of assets) expect({ path, status: (await gateway.call('GET', path, undefined, open)).status }).toEqual({ path, status: 200 });
    expect((await gateway.call('POST', '/docs', {}, open)).status).toBe(405);
  });
});

describe('a limit of requests', () => {
  it('is per key, and says when to come back, as a problem', async () => {
    const limited = await startGateway({ RUNLOG_RATE_LIMIT: '5' });
    try {
      const answers = await Promise.all(Array.from({ length: 30 }, () => limited.call('GET', '/api/v1/workspaces')));
      const refused = answers.filter(({ status }) => status === 429);
      expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(5);
      expect(refused.length).toBeGreaterThan(0);
      expect(refused[0]?.body).toMatchObject({ status: 429, code: 'rate_limited', title: 'Too Many Requests' });
      expect([refused[0]?.headers.get('retry-after'), refused[0]?.headers.get('content-type')]).toEqual(['1', expect.stringMatching(/^application\/problem\+json/)]);
      expect((await limited.call('GET', '/health/live', undefined, { authorization: '' })).status).toBe(200);
      expect((await limited.call('GET', '/api/v1/workspaces', undefined, { authorization: 'Bearer rl_nobody' })).status).toBe(401);
    } finally {
      await limited.stop();
    }
  }, 90_000);
});

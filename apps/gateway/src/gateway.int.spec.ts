import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askingDefinition, pureDefinition, type RunningGateway, startGateway } from './testing/running-gateway.js';

let gateway: RunningGateway;
let pure: string;
let asking: string;

beforeAll(async () => {
  gateway = await startGateway({ RUNLOG_BODY_LIMIT: String(1024 * 1024) });
  pure = await gateway.publish(pureDefinition);
  asking = await gateway.publish(askingDefinition);
}, 60_000);

afterAll(async () => {
  await gateway?.stop();
}, 60_000);

const create = (workflow: string, input: object, query = '', headers: Record<string, string> = {}) =>
  gateway.call('POST', `/api/v1/workflows/${workflow}/executions${query}`, { input }, headers);

describe('a create', () => {
  it('answers 201 with the whole execution and where it is', async () => {
    const { status, body, headers } = await create(pure, { n: 7 });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/v1/executions/${body.id}`);
    expect(headers.get('etag')).toMatch(new RegExp(`^"${body.version}-`));
    expect(body).toMatchObject({ object: 'execution', status: 'completed', output: { value: 14 }, result: { value: 14 }, input: { n: 7 }, payload: { n: 7 }, key: `${pure}_1` });
    expect(body.hashid).toMatch(/^[A-Za-z0-9]{5,}$/);
  });

  it('that waits answers 200 at the end, and 202 as soon as a human must answer', async () => {
    const ended = await create(pure, { n: 1 }, '', { prefer: 'wait=50' });
    expect([ended.status, ended.headers.get('preference-applied'), ended.body.status]).toEqual([200, 'wait=50', 'completed']);
    const asked = await create(asking, { total: 3 }, '?wait=60');
    expect([asked.status, asked.body.status, asked.body.gates[0].prompt]).toEqual([202, 'awaiting_approval', 'Pay 3?']);
    expect(asked.headers.get('location')).toBe(`/api/v1/executions/${asked.body.id}`);
  });

  it('of an unknown workflow is 404 in the path and 422 in the body', async () => {
    expect((await create('nobody', {})).status).toBe(404);
    const inBody = await gateway.call('POST', '/api/v1/executions', { workflow_id: 'nobody' });
    expect([inBody.status, inBody.body.errors[0].pointer]).toEqual([422, '/workflow_id']);
  });

  it('checks the input against the schema before anything is recorded', async () => {
    const { status, body } = await create(pure, { n: 'seven' });
    expect([status, body.code, body.errors[0].pointer]).toEqual([422, 'invalid_input', '/input/n']);
  });

  it('made with an Idempotency-Key is repeated whatever the latest version asks by now', async () => {
    const key = await gateway.publish(pureDefinition);
    const headers = { 'idempotency-key': 'order-9' };
    const first = await create(key, { n: 2 }, '', headers);
    const stricter = { ...pureDefinition, key, name: 'Stricter', input_schema: { type: 'object', required: ['other'] } };
    expect((await gateway.call('POST', `/api/v1/workflows/${key}/versions`, stricter)).status).toBe(201);
    const again = await create(key, { n: 2 }, '', headers);
    expect([again.status, again.body.id, again.headers.get('idempotency-replayed')]).toEqual([201, first.body.id, 'true']);
  });

  it('is made once per Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'order-1' };
    const first = await create(pure, { n: 2 }, '', headers);
    const again = await create(pure, { n: 2 }, '', headers);
    expect([again.status, again.body.id, again.headers.get('idempotency-replayed'), again.headers.get('location')]).toEqual([
      201,
      first.body.id,
      'true',
      first.headers.get('location'),
    ]);
    expect((await create(pure, { n: 3 }, '', headers)).body.code).toBe('idempotency_key_reused');
    const many = await Promise.all(Array.from({ length: 6 }, () => create(pure, { n: 4 }, '', { 'idempotency-key': 'order-2' })));
    expect(new Set(many.filter(({ status }) => status === 201).map(({ body }) => body.id)).size).toBe(1);
    expect(many.every(({ status }) => status === 201 || status === 409)).toBe(true);
  });

  it('whose first try was recorded but never answered is the same execution half a minute later', async () => {
    const headers = { 'idempotency-key': 'order-3' };
    const first = await create(pure, { n: 2 }, '', headers);
    await gateway.catalog.database.query("update idempotency_keys set status = null, response = null, created_at = created_at - 31000 where key = 'order-3'");
    const again = await create(pure, { n: 2 }, '?wait=5', headers);
    expect([again.status, again.body.id, again.body.status, again.headers.get('idempotency-replayed')]).toEqual([200, first.body.id, 'completed', null]);
  });
});

describe('a body that cannot be used', () => {
  const cases: [what: string, body: string, status: number, code: string][] = [
    ['broken JSON', '{"input":', 400, 'malformed_json'],
    ['no object', '[]', 422, 'invalid_body'],
    ['an unknown member', '{"inputs":{}}', 422, 'invalid_body'],
    ['a member named constructor', '{"constructor":{}}', 422, 'invalid_body'],
    ['a __proto__ key', '{"input":{"n":1,"a":{"__proto__":{"admin":true}}}}', 422, 'forbidden_key'],
    ['NUL', '{"input":{"n":1,"s":"a\\u0000b"}}', 422, 'forbidden_character'],
    ['a lone surrogate', '{"input":{"n":1,"s":"\\ud800"}}', 422, 'forbidden_character'],
    ['a number beyond a float', '{"input":{"n":1e999}}', 422, 'number_out_of_range'],
    ['10,000 levels', `{"input":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 422, 'json_too_deep'],
    ['17 KiB of metadata', JSON.stringify({ input: { n: 1 }, metadata: { a: 'x'.repeat(17_000) } }), 422, 'invalid_body'],
    ['10 MB', JSON.stringify({ input: { n: 1, big: 'x'.repeat(10_000_000) } }), 413, 'body_too_large'],
  ];
  it.each(cases)('%s', async (_what, body, status, code) => {
    const answer = await gateway.call('POST', `/api/v1/workflows/${pure}/executions`, body);
    expect([answer.status, answer.body.code, answer.headers.get('content-type')]).toEqual([status, code, 'application/problem+json; charset=utf-8']);
    expect(answer.body).toMatchObject({ status, request_id: answer.headers.get('x-request-id'), title: expect.any(String), type: expect.any(String) });
  });

  it('another content type is 415', async () => {
    expect((await gateway.call('POST', '/api/v1/executions', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415);
  });
});

describe('a request outside of the routes', () => {
  it('is 404 or 405 without a key too, and 401 where there is a route', async () => {
    const nobody = { authorization: '' };
    expect((await gateway.call('GET', '/nowhere', undefined, nobody)).status).toBe(404);
    const put = await gateway.call('PUT', '/api/v1/executions', {}, nobody);
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    expect((await gateway.call('GET', '/api/v1/executions', undefined, nobody)).status).toBe(401);
    expect((await gateway.call('GET', '/api/v1/executions/%E0%A4%A')).status).toBe(400);
    expect((await gateway.call('GET', '/api/v1/executions?colour=red')).status).toBe(400);
  });
});

describe('one execution', () => {
  it('is found by id, hashid and key, on the very next request', async () => {
    const { body } = await create(pure, { n: 5 });
    for (const ref of [body.id, body.hashid, body.key]) expect((await gateway.call('GET', `/api/v1/executions/${ref}`)).body.id).toBe(body.id);
  });

  it('is the same through the read model as in the answer to its create', async () => {
    const { body } = await create(pure, { n: 6 });
    expect((await gateway.call('GET', `/api/v1/executions/${body.id}`)).body).toEqual(body);
  });

  it('is 304 while nothing changed, and another tag in another shape', async () => {
    const { body } = await create(pure, { n: 5 });
    const etag = (await gateway.call('GET', `/api/v1/executions/${body.id}`)).headers.get('etag') as string;
    const same = await gateway.call('GET', `/api/v1/executions/${body.id}`, undefined, { 'if-none-match': etag });
    expect([same.status, same.text, same.headers.get('etag')]).toEqual([304, '', etag]);
    expect((await gateway.call('GET', `/api/v1/executions/${body.id}?timezone=Asia/Tokyo`, undefined, { 'if-none-match': etag })).status).toBe(200);
  });

  it('shows how it stood after an event', async () => {
    const { body } = await create(pure, { n: 5 });
    expect((await gateway.call('GET', `/api/v1/executions/${body.id}?at_version=2`)).body).toMatchObject({ version: 2, status: 'queued', output: null });
    expect((await gateway.call('GET', `/api/v1/executions/${body.id}?at_version=99`)).status).toBe(404);
  });

  it('has its creation in the asked zone, and only the asked fields', async () => {
    const { body } = await create(pure, { n: 5 });
    const there = (await gateway.call('GET', `/api/v1/executions/${body.id}?fields=created_at,created_at_utc`, undefined, { 'time-zone': 'Asia/Kolkata' })).body;
    expect(Object.keys(there).sort()).toEqual(['created_at', 'created_at_utc']);
    expect(there.created_at).toMatch(/\+05:30$/);
    expect(Date.parse(there.created_at)).toBe(Date.parse(there.created_at_utc));
    expect((await gateway.call('GET', `/api/v1/executions/${body.id}?timezone=Mars/Olympus`)).status).toBe(400);
  });

  it('has a history of events, nodes and what it waits for', async () => {
    const { body } = await create(asking, { total: 1 });
    const events = (await gateway.call('GET', `/api/v1/executions/${body.id}/events?limit=3`)).body;
    expect(events.data.map(({ type }: { type: string }) => type)).toEqual(['ExecutionCreated', 'ExecutionQueued', 'ExecutionStarted']);
    expect([events.has_more, events.next_cursor]).toEqual([true, '3']);
    const nodes = (await gateway.call('GET', `/api/v1/executions/${body.id}/nodes`)).body;
    expect(nodes.data.map(({ node_id, status }: { node_id: string; status: string }) => [node_id, status])).toEqual([
      ['ask', 'waiting'],
      ['pass', 'idle'],
    ]);
    expect((await gateway.call('GET', `/api/v1/executions/${body.id}/why`)).body.causes).toMatchObject([{ kind: 'gate', gate_id: 'ask.1' }]);
  });
});

describe('a gate', () => {
  it('is answered once; a late answer learns which one was accepted', async () => {
    const { body } = await create(asking, { total: 1 });
    const respond = (decision: string, headers = {}) => gateway.call('POST', `/api/v1/executions/${body.id}/respond`, { node_id: 'ask', decision }, headers);
    expect((await respond('maybe')).status).toBe(422);
    const headers = { 'idempotency-key': 'answer-1', 'if-match': `"${body.version}"` };
    const first = await respond('approve', headers);
    expect([first.status, first.body.status, first.body.output]).toEqual([200, 'completed', 'approve']);
    const again = await respond('approve', headers);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    const late = await respond('reject');
    expect([late.status, late.body.state.accepted.decision]).toEqual([409, 'approve']);
  });

  it('is not answered upon a stale If-Match, nor by a viewer when it names nobody', async () => {
    const { body } = await create(asking, { total: 1 });
    const path = `/api/v1/executions/${body.id}/respond`;
    expect((await gateway.call('POST', path, { decision: 'approve' }, { 'if-match': '"1-x"' })).status).toBe(412);
    const viewer = (await gateway.call('POST', '/api/v1/api-keys', { name: 'v', role: 'viewer' })).body.key;
    expect((await gateway.call('POST', path, { decision: 'approve' }, { authorization: `Bearer ${viewer}` })).status).toBe(403);
  });

  it('is answered by a viewer that may approve', async () => {
    const { body } = await create(asking, { total: 1 });
    const { key } = (await gateway.call('POST', '/api/v1/api-keys', { name: 'on call', role: 'viewer', permissions: ['approve'] })).body;
    const answered = await gateway.call('POST', `/api/v1/executions/${body.id}/respond`, { decision: 'approve' }, { authorization: `Bearer ${key}` });
    expect([answered.status, answered.body.output]).toEqual([200, 'approve']);
  });
});

describe('the inbox', () => {
  it('has what is open, by workflow, node and kind, page by page; an answer takes it out', async () => {
    const workflow = await gateway.publish(askingDefinition);
    const made: string[] = [];
    for (let total = 0; total < 3; total++) {
      const { body } = await create(workflow, { total });
      await gateway.listed(body);
      made.unshift(body.id);
    }
    const list = async (query = '') => (await gateway.call('GET', `/api/v1/approvals?workflow_id=${workflow}${query}`)).body;
    const of = (page: { data: { execution_id: string }[] }) => page.data.map(({ execution_id }) => execution_id);
    const first = await list('&limit=2');
    expect(of(first)).toEqual(made.slice(0, 2));
    expect(first.data[0]).toMatchObject({
      id: 'ask.1',
      execution_key: expect.stringContaining(workflow),
      node_id: 'ask',
      kind: 'approval',
      prompt: 'Pay 2?',
      schema: null,
      expires_at: null,
      approvals_given: 0,
      approvals_needed: 1,
    });
    const second = await list(`&limit=2&after=${first.next_cursor}`);
    expect([of(second), second.has_more, of(await list(`&limit=2&before=${second.prev_cursor}`))]).toEqual([made.slice(2), false, made.slice(0, 2)]);
    expect([(await list('&kind=question')).data, (await list('&node_id=other')).data]).toEqual([[], []]);
    const inOne = async (ref: string) => of((await gateway.call('GET', `/api/v1/approvals?execution_id=${ref}`)).body);
    expect([await inOne(made[1] as string), await inOne(first.data[1].execution_key), await inOne('no_such_execution')]).toEqual([[made[1]], [made[1]], []]);
    expect((await gateway.call('GET', '/api/v1/approvals?workflow_id=no_such_workflow')).body.data).toEqual([]);
    await gateway.call('POST', `/api/v1/executions/${made[0]}/respond`, { decision: 'approve' });
    await gateway.call('POST', `/api/v1/executions/${made[1]}/cancel`);
    expect(of(await list())).toEqual(made.slice(2));
  });

  it.each(['limit=0', 'kind=visit', 'after=x', 'status=open', `after=${Buffer.from('[1,"x","y"]').toString('base64url')}`])('refuses %s', async (query) => {
    expect((await gateway.call('GET', `/api/v1/approvals?${query}`)).status).toBe(400);
  });
});

describe('a cancel', () => {
  it('is 200 while nothing runs, again 200, and 409 after another end', async () => {
    const { body } = await create(asking, { total: 1 });
    const cancelled = await gateway.call('POST', `/api/v1/executions/${body.id}/cancel`, { reason: 'not now' });
    expect([cancelled.status, cancelled.body.status, cancelled.body.cancelled_by]).toEqual([200, 'cancelled', 'user:key_rl_test_a']);
    expect((await gateway.call('POST', `/api/v1/executions/${body.id}/cancel`)).status).toBe(200);
    const receipt = await gateway.call('GET', `/api/v1/executions/${body.id}/cancellation`);
    expect(receipt.body).toMatchObject({ by: 'user:key_rl_test_a', reason: 'not now', acknowledged: true, nodes: [{ node_id: 'ask', attempt: 1, outcome: 'stopped', ms: 0 }] });
    const ended = (await create(pure, { n: 1 })).body;
    const late = await gateway.call('POST', `/api/v1/executions/${ended.id}/cancel`);
    expect([late.status, late.body.state.status]).toEqual([409, 'completed']);
    expect((await gateway.call('GET', `/api/v1/executions/${ended.id}/cancellation`)).body).toMatchObject({ status: 404, code: 'cancellation_not_found' });
  });
});

describe('a list', () => {
  it('pages by cursor in both directions, and by number', async () => {
    const workflow = await gateway.publish(pureDefinition);
    const made: string[] = [];
    for (let n = 0; n < 5; n++) {
      const { body } = await create(workflow, { n });
      await gateway.listed(body);
      made.unshift(body.id);
    }
    const list = async (query: string) => (await gateway.call('GET', `/api/v1/executions?workflow_id=${workflow}&limit=2${query}`)).body;
    const ids = (page: { data: { id: string }[] }) => page.data.map(({ id }) => id);
    const first = await list('');
    const second = await list(`&after=${first.next_cursor}`);
    const third = await list(`&after=${second.next_cursor}`);
    expect([ids(first), ids(second), ids(third)]).toEqual([made.slice(0, 2), made.slice(2, 4), made.slice(4)]);
    expect([first.prev_cursor, third.next_cursor, third.has_more]).toEqual([null, null, false]);
    expect(ids(await list(`&before=${second.prev_cursor}`))).toEqual(made.slice(0, 2));
    const paged = await list('&page=2');
    expect([ids(paged), paged.meta]).toEqual([made.slice(2, 4), { total: 5, page: 2, limit: 2, total_pages: 3 }]);
    expect([ids(await list(`&before=${paged.prev_cursor}`)), ids(await list(`&after=${paged.next_cursor}`))]).toEqual([made.slice(0, 2), made.slice(4)]);
    expect([(await list('&page=1')).prev_cursor, (await list('&page=9')).prev_cursor]).toEqual([null, null]);
  });

  it.each([
    'limit=0',
    'limit=101',
    'after=x',
    'page=101&limit=100',
    'status=done',
    'sort=name',
    'created_after=soon',
    'created_after=2026-02-30',
    'created_before=2026-06-31T00:00:00Z',
    'page=1&after=x',
    'q=%00',
    'workflowId=a&workflow_id=a',
    'Tag=a',
  ])('refuses %s', async (query) => {
    expect((await gateway.call('GET', `/api/v1/executions?${query}`)).status).toBe(400);
  });

  it('filters by metadata, tag and status, and leaves out what is big', async () => {
    const body = { workflow_id: pure, input: { n: 1 }, metadata: { team: 'a', nested: { x: 1 } }, tags: ['red'] };
    const made = (await gateway.call('POST', '/api/v1/executions?wait=50', body)).body;
    await gateway.listed(made);
    const { data } = (await gateway.call('GET', '/api/v1/executions?metadata[team]=a&tag=red&status=completed&status=failed')).body;
    expect((await gateway.call('GET', `/api/v1/executions?workflowId=${pure}&tag=red`)).body.data).toEqual(data);
    expect(data.map((one: { id: string }) => one.id)).toEqual([made.id]);
    expect(['template', 'stats', 'execution_data'].filter((name) => name in data[0])).toEqual([]);
    const expanded = (await gateway.call('GET', '/api/v1/executions?tag=red&expand=stats,template')).body.data[0];
    expect(expanded.stats['large-wrap']).toEqual({ status: 'closed' });
    expect(expanded.template.nodes).toHaveLength(4);
  });
});

describe('keys', () => {
  it('made with an Idempotency-Key are shown again to its repeat, and kept sealed', async () => {
    const make = () => gateway.call('POST', '/api/v1/api-keys', { name: 'e', role: 'editor' }, { 'idempotency-key': 'key-1' });
    const { key } = (await make()).body;
    expect((await make()).body.key).toBe(key);
    const stored = await gateway.catalog.database.query('select response::text as text from idempotency_keys');
    expect(JSON.stringify(stored)).not.toContain(key);
  });

  it('act by role, in one header, and stop working when revoked', async () => {
    const made = (await gateway.call('POST', '/api/v1/api-keys', { name: 'v', role: 'viewer' })).body;
    const as = { authorization: '', 'x-api-key': made.key };
    expect((await gateway.call('GET', '/api/v1/executions', undefined, as)).status).toBe(200);
    expect((await gateway.call('POST', `/api/v1/workflows/${pure}/executions`, { input: { n: 1 } }, as)).status).toBe(403);
    expect((await gateway.call('GET', '/api/v1/executions', undefined, { 'x-api-key': made.key })).status).toBe(400);
    expect((await gateway.call('DELETE', `/api/v1/api-keys/${made.id}`)).status).toBe(204);
    expect((await gateway.call('GET', '/api/v1/executions', undefined, as)).status).toBe(401);
  });
});

describe('definitions and secrets', () => {
  it('are refused with every problem at once, and versions are immutable', async () => {
    const broken = await gateway.call('POST', '/api/v1/workflows', { key: 'Bad', nodes: [{ id: 'a', type: 'teleport' }], edges: [] });
    expect([broken.status, broken.body.code]).toEqual([422, 'invalid_definition']);
    expect(broken.body.errors.length).toBeGreaterThan(1);
    const definition = { key: 'versioned', name: 'Versioned', ...pureDefinition };
    expect((await gateway.call('POST', '/api/v1/workflows', definition)).status).toBe(201);
    expect((await gateway.call('POST', '/api/v1/workflows', definition)).status).toBe(409);
    expect((await gateway.call('POST', '/api/v1/workflows/versioned/versions', definition)).status).toBe(200);
    const second = await gateway.call('POST', '/api/v1/workflows/versioned/versions', { ...definition, name: 'Again' });
    expect([second.status, second.body.version]).toEqual([201, 2]);
    expect((await create('versioned', { n: 1 })).body.name).toBe('Again 1');
  });

  it('never shows a secret', async () => {
    expect((await gateway.call('PUT', '/api/v1/secrets/token', { value: 'hunter22' })).status).toBe(201);
    const listed = await gateway.call('GET', '/api/v1/secrets');
    expect([listed.body.data[0].name, listed.text.includes('hunter22')]).toEqual(['token', false]);
    expect((await gateway.call('DELETE', '/api/v1/secrets/token')).status).toBe(204);
  });
});

describe('the documents', () => {
  it('are OpenAPI 3.1 and pages that need nothing from elsewhere', async () => {
    const { body } = await gateway.call('GET', '/openapi.json', undefined, { authorization: '' });
    expect(body.openapi).toBe('3.1.0');
    const used = JSON.stringify(body.paths).match(/#\/components\/schemas\/\w+/g) ?? [];
    expect([...new Set(used)].filter((ref) => !(ref.slice(21) in body.components.schemas))).toEqual([]);
    const docs = await gateway.call('GET', '/docs', undefined, { authorization: '' });
    expect(docs.text).not.toMatch(/(src|href)="https?:/);
    expect((await gateway.call('GET', '/health/ready', undefined, { authorization: '' })).status).toBe(200);
  });
});

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { freePort } from '@runlog/platform';
import { flawsOf, historyOf } from './histories.js';
import { type Answer, caller, type Running, startStandalone } from './standalone.js';
import { until } from './until.js';
import { approval, code, delay, inSequence, publish, question, transform } from './workflows.js';

jest.setTimeout(60_000);

/** The least that both limits may be set to. */
const MIB = 1024 * 1024;

let runlog: Running;
const api = '/api/v1';

beforeAll(async () => {
  runlog = await startStandalone({ env: { RUNLOG_BODY_LIMIT: `${MIB}`, RUNLOG_ARTIFACT_LIMIT: `${MIB}` } });
  await publish(
    runlog,
    inSequence('plain', [transform('a', 'input.n')], {
      input_schema: { type: 'object', required: ['n'], properties: { n: { type: 'integer', minimum: 1 } }, additionalProperties: false },
    }),
  );
  await publish(runlog, inSequence('asks', [approval('ask', { schema: { type: 'object', required: ['note'], properties: { note: { type: 'string' } } } })]));
}, 90_000);

afterAll(async () => {
  await runlog?.discard();
});

const post = (path: string, body: unknown, headers?: Record<string, string>) => runlog.call('POST', `${api}${path}`, body, headers);
const get = (path: string, headers?: Record<string, string>) => runlog.call('GET', `${api}${path}`, undefined, headers);

/** The answer is a problem with every member that a client may rely on. */
const expectProblem = (answer: Answer, status: number, code: string, pointers?: readonly string[]): void => {
  expect({ status: answer.status, code: answer.body?.code, errors: answer.body?.errors }).toMatchObject({ status, code });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.body).toEqual(
    expect.objectContaining({
      type: `urn:runlog:problem:${code}`,
      title: expect.stringMatching(/\w/),
      status,
      detail: expect.stringMatching(/\w/),
      code,
      request_id: answer.headers.get('x-request-id'),
      errors: expect.any(Array),
    }),
  );
  expect(answer.body.detail).not.toMatch(/undefined|\[object|node_modules|\bat .*:\d+/);
  if (pointers) expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers);
};

describe('a body', () => {
  it.each([
    ['{"a":', 400, 'malformed_json'],
    ['nul', 400, 'malformed_json'],
    ['[]', 422, 'invalid_body'],
    ['null', 422, 'invalid_body'],
    ['"text"', 422, 'invalid_body'],
    ['{"input":{"__proto__":{"isAdmin":true}}}', 422, 'forbidden_key'],
    ['{"input":{"n":"a\\u0000b"}}', 422, 'forbidden_character'],
    ['{"input":{"n":"\\ud800"}}', 422, 'forbidden_character'],
    ['{"input":{"n":1e999}}', 422, 'number_out_of_range'],
    [`{"input":${'['.repeat(200)}${']'.repeat(200)}}`, 422, 'json_too_deep'],
  ])('%s is %i %s', async (body, status, code) => {
    expectProblem(await post('/workflows/plain/executions', body), status, code);
  });

  it('of 10 MB is 413, whatever it holds', async () => {
    expectProblem(await post('/workflows/plain/executions', `{"input":{"n":"${'a'.repeat(10_000_000)}"}}`), 413, 'body_too_large');
    expectProblem(await post('/workflows', 'x'.repeat(10_000_000)), 413, 'body_too_large');
    expectProblem(await post('/executions/nope/respond', 'x'.repeat(10_000_000)), 413, 'body_too_large');
  });

  it('that is not JSON by its content type is 415', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', 'multipart/form-data; boundary=x'])
      expectProblem(await post('/workflows/plain/executions', '{}', { 'content-type': type }), 415, 'unsupported_media_type');
    expectProblem(await post('/workflows/plain/executions', '{}', { 'content-encoding': 'gzip' }), 415, 'unsupported_encoding');
  });

  it('has every wrong and every unknown member named', async () => {
    const answer = await post('/workflows/plain/executions', { inputs: {}, input: { n: 1 }, tags: 'a', metadata: [], priority: 'high', run_timeout_seconds: -1 });
    expectProblem(answer, 422, 'invalid_body');
    expect(answer.body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(['/inputs', '/metadata', '/priority', '/run_timeout_seconds', '/tags']);
    expect(answer.body.errors).toContainEqual({ pointer: '/inputs', detail: "Expected no member 'inputs'", suggestion: 'input' });
    for (const { detail } of answer.body.errors) expect(detail).toMatch(/^Expected /);
    expectProblem(await post('/executions', { input: {} }), 422, 'invalid_body', ['/workflow_id']);
    expectProblem(await post('/workflows/plain/executions', { input: { n: 1 }, metadata: { a: 'x'.repeat(17_000) } }), 422, 'invalid_body', ['/metadata']);
  });

  it('that breaks the input schema is 422 with pointers, and nothing is recorded', async () => {
    const before = (await get('/executions?page=1&limit=1')).body.meta.total;
    expectProblem(await post('/workflows/plain/executions', { input: { n: 0 } }), 422, 'invalid_input', ['/input/n']);
    expectProblem(await post('/workflows/plain/executions', {}), 422, 'invalid_input', ['/input/n']);
    expectProblem(await post('/workflows/plain/executions', { input: { n: '1', m: 1 } }), 422, 'invalid_input', ['/input/m', '/input/n']);
    expect((await get('/executions?page=1&limit=1')).body.meta.total).toBe(before);
  });
});

describe('a path, a query, a header', () => {
  it('of no known route is 404, of another method 405 with Allow', async () => {
    expectProblem(await get('/nope'), 404, 'route_not_found');
    for (const path of ['/api/v2/executions', '//api/v1/executions']) expectProblem(await runlog.call('GET', path), 404, 'route_not_found');
    const answer = await runlog.call('DELETE', `${api}/executions`);
    expectProblem(answer, 405, 'method_not_allowed');
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
    expect((await runlog.call('PUT', `${api}/executions/x/cancel`)).headers.get('allow')).toBe('POST');
  });

  it.each(['nope', '01890000-0000-7000-8000-000000000000', 'zzzzz', 'plain_999', 'a%00b', '..%2f..%2fetc', '%E2%98%83'])(
    'to an execution that is not there (%s) is 404',
    async (id) => {
      for (const path of ['', '/events', '/logs', '/nodes', '/why']) expectProblem(await get(`/executions/${id}${path}`), 404, 'execution_not_found');
      expectProblem(await post(`/executions/${id}/cancel`, {}), 404, 'execution_not_found');
      expectProblem(await post(`/executions/${id}/respond`, { decision: 'approve' }), 404, 'execution_not_found');
    },
  );

  it('to a definition that is not there is 404 in the path and 422 in the body', async () => {
    expectProblem(await post('/workflows/nope/executions', {}), 404, 'workflow_not_found');
    expectProblem(await post('/workflows/nope/versions', inSequence('nope', [transform('a', '1')])), 404, 'workflow_not_found');
    expectProblem(await post('/executions', { workflow_id: 'nope' }), 422, 'workflow_not_found', ['/workflow_id']);
  });

  it.each([
    ['/executions?limit=0', 'invalid_query'],
    ['/executions?limit=101', 'invalid_query'],
    ['/executions?limit=ten', 'invalid_query'],
    ['/executions?page=101&limit=100', 'invalid_query'],
    ['/executions?after=garbage', 'invalid_cursor'],
    ['/executions?status=done', 'invalid_query'],
    ['/executions?sort=name', 'invalid_query'],
    ['/executions?created_after=yesterday', 'invalid_query'],
    ['/executions?foo=1', 'unknown_parameter'],
    ['/executions?limit=1&limit=2', 'invalid_query'],
    ['/executions?timezone=Mars/Olympus', 'invalid_timezone'],
    ['/executions?fields=nope', 'invalid_query'],
    ['/workflows/plain?foo=1', 'unknown_parameter'],
  ])('%s is 400 %s', async (path, code) => {
    const answer = await get(path);
    expectProblem(answer, 400, code);
    expect(answer.body.detail).toMatch(/^Expected /);
    expect(answer.body.errors).toHaveLength(1);
  });

  it('with a wait that cannot be is 400', async () => {
    for (const wait of ['-1', '1.5', 'abc', '1e3', '']) expectProblem(await post(`/workflows/plain/executions?wait=${wait}`, { input: { n: 1 } }), 400, 'invalid_wait', ['/wait']);
    expectProblem(await post('/workflows/plain/executions', { input: { n: 1 } }, { prefer: 'wait=soon' }), 400, 'invalid_wait', ['/Prefer']);
    expectProblem(await post('/workflows/plain/executions?foo=1', { input: { n: 1 } }), 400, 'unknown_parameter', ['/foo']);
  });

  it('without a key, with a wrong one, or with two is refused', async () => {
    for (const headers of [{ authorization: '' }, { authorization: 'Bearer rl_wrong' }, { authorization: 'Basic abc' }]) {
      const answer = await get('/executions', headers);
      expectProblem(answer, 401, 'unauthenticated');
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
    expectProblem(await get('/executions', { 'x-api-key': 'another' }), 400, 'two_keys');
    expect((await get('/executions', { authorization: '', 'x-api-key': runlog.key })).status).toBe(200);
    expectProblem(await get('/nope', { authorization: '' }), 404, 'route_not_found');
  });

  it('with the key of another role may not do what it may not', async () => {
    const { status, body } = await post('/api-keys', { name: 'reader', role: 'viewer' });
    expect(status).toBe(201);
    const viewer = caller(runlog.url, body.key);
    expect((await viewer('GET', `${api}/executions`)).status).toBe(200);
    expectProblem(await viewer('POST', `${api}/workflows/plain/executions`, { input: { n: 1 } }), 403, 'forbidden');
    expectProblem(await viewer('POST', `${api}/workflows`, inSequence('mine', [transform('a', '1')])), 403, 'forbidden');
    expectProblem(await viewer('PUT', `${api}/secrets/a`, { value: 'x' }), 403, 'forbidden');
  });
});

describe('a definition', () => {
  const refused = async (definition: object) => {
    const answer = await post('/workflows', definition);
    expectProblem(answer, 422, 'invalid_definition');
    const validated = await post('/workflows/validate', definition);
    expect(validated).toMatchObject({ status: 200, body: { valid: false } });
    expect(validated.body.errors).toEqual(answer.body.errors);
    return answer.body.errors as { pointer: string; detail: string; suggestion?: string }[];
  };

  it('has all its mistakes named at once, with pointers and suggestions', async () => {
    const errors = await refused({
      key: 'Bad-Key',
      name: 'Bad',
      input_schema: { type: 'objekt' },
      nodes: [
        { id: 'fetch', type: 'htpp', config: {} },
        { id: 'pick', type: 'transform', config: { expression: 'nodes.fetch.(' } },
        { id: 'loop', type: 'transform', config: { expression: 'nodes.fech' } },
        { id: 'lonely', type: 'transform', config: { expression: '1' } },
        { id: 'large', type: 'condition', config: { expression: 'input.n > 1' } },
        { id: 'ask', type: 'approval', config: { prompt: 'Go {{ input.x ?', schema: { minimum: 'one' } } },
      ],
      edges: [
        { from: 'start_of_workflow', to: 'fetch' },
        { from: 'fetch', to: 'pick' },
        { from: 'pick', to: 'loop' },
        { from: 'loop', to: 'pick' },
        { from: 'pick', to: 'large' },
        { from: 'large', to: 'ask', branch: 'yes' },
        { from: 'large', to: 'nowhere', branch: 'true' },
      ],
      output: 'nodes.reslt',
      settings: { run_timeout_seconds: 'long', colour: 'red' },
    });
    const at = (pointer: string) => errors.filter((one) => one.pointer === pointer);
    expect(at('/key')).toMatchObject([{ suggestion: 'bad_key' }]);
    expect(at('/nodes/0/type')).toMatchObject([{ suggestion: 'http' }]);
    expect(at('/nodes/1/config/expression')).toMatchObject([{ detail: expect.stringMatching(/JSONata/) }]);
    expect(at('/nodes/2/config/expression')).toMatchObject([{ suggestion: 'nodes.fetch' }]);
    expect(at('/nodes/3')).toMatchObject([{ suggestion: expect.stringContaining('start_of_workflow') }]);
    expect(at('/edges/3')).toMatchObject([{ detail: expect.stringMatching(/cycle/) }]);
    expect(at('/edges/5/branch')).toMatchObject([{ detail: expect.stringContaining("'true', 'false'") }]);
    expect(at('/edges/6/to')).toHaveLength(1);
    expect(at('/settings/run_timeout_seconds')).toHaveLength(1);
    expect(at('/settings/colour')).toHaveLength(1);
    for (const pointer of ['/input_schema/type', '/nodes/5/config/schema/minimum', '/nodes/5/config/prompt', '/output'])
      expect({ pointer, found: at(pointer).length }).toEqual({ pointer, found: 1 });
    for (const { detail } of errors) expect(detail).toMatch(/^Expected /);
  });

  it('that is hostile or empty is refused too', async () => {
    await refused({});
    await refused({ key: 'a', name: 'a', nodes: 'x', edges: 5 });
    expect((await refused(inSequence('a', [transform('a', '$eval("1")')])))[0]?.detail).toContain('$eval');
    expectProblem(await post('/workflows', '{"key":"a","name":"a","nodes":[{"id":"__proto__","type":"code","config":{"__proto__":{}}}],"edges":[]}'), 422, 'forbidden_key');
  });

  it('with a taken key is 409, and the same version again 200', async () => {
    expectProblem(await post('/workflows', inSequence('asks', [transform('a', '1')])), 409, 'workflow_exists');
    const definition = (await get('/workflows/asks')).body.definition;
    expect((await post('/workflows/asks/versions', definition)).status).toBe(200);
    expectProblem(await post('/workflows/asks/versions', { ...definition, key: 'other' }), 422, 'invalid_body', ['/key']);
  });
});

describe('a node that misbehaves', () => {
  const run = async (key: string, nodes: Parameters<typeof inSequence>[1], input: object = {}) => {
    await publish(runlog, inSequence(key, nodes));
    const { status, body } = await post(`/workflows/${key}/executions?wait=50`, { input });
    expect(status).toBe(200);
    return body;
  };

  it('fails its execution with a code and a sentence, while a good one beside it completes', async () => {
    const dead = await freePort();
    const good = post('/workflows/plain/executions', { input: { n: 1 } });
    await publish(runlog, inSequence('good', [code('a', 'return input.n;'), delay('b', 1), code('c', 'return nodes.a + 1;')]));
    const beside = post('/workflows/good/executions?wait=50', { input: { n: 41 } });
    const cases: Record<string, [Parameters<typeof inSequence>[1], string]> = {
      loop: [[code('a', 'for (;;) {}', { timeout_ms: 1000 })], 'code_timeout'],
      bomb: [[code('a', 'const all = []; for (;;) all.push(new Array(1e6).fill("x".repeat(1000)));', { timeout_ms: 8000 })], 'code_memory'],
      throws: [[code('a', 'throw new Error("no such luck");')], 'code_failed'],
      syntax: [[code('a', 'return (;')], 'code_failed'],
      cyclic: [[code('a', 'const a = {}; a.a = a; return a;')], 'code_output_invalid'],
      endless: [[transform('a', '($f := function($n) { $f($n + 1) }; $f(0))')], 'expression_timeout'],
      wide: [[transform('a', '$count([1..10000000])')], 'expression_too_large'],
      dead: [[{ id: 'a', type: 'http', config: { url: `http://127.0.0.1:${dead}/` } }], 'http_unreachable'],
      unknown_host: [[{ id: 'a', type: 'http', config: { url: 'http://no-such-host.invalid/' } }], 'http_unreachable'],
      itself: [[{ id: 'a', type: 'http', config: { url: `${runlog.url}/health/live` } }], 'http_forbidden'],
      itself_by_name: [[{ id: 'a', type: 'http', config: { url: `http://localhost:${new URL(runlog.url).port}/metrics` } }], 'http_forbidden'],
      metadata: [[{ id: 'a', type: 'http', config: { url: 'http://169.254.169.254/latest/meta-data/' } }], 'http_forbidden'],
      private_net: [[{ id: 'a', type: 'http', config: { url: 'http://10.0.0.1/' } }], 'http_forbidden'],
      no_secret: [[{ id: 'a', type: 'http', config: { url: `http://127.0.0.1:${dead}/`, auth: { type: 'bearer', secret: 'missing' } } }], 'secret_missing'],
    };
    const ended = await Promise.all(Object.entries(cases).map(async ([key, [nodes]]) => [key, await run(`bad_${key}`, nodes)] as const));
    const codes = Object.fromEntries(ended.map(([key, { status, error_code, error_node_id }]) => [key, `${status} ${error_code} ${error_node_id}`]));
    expect(codes).toEqual(Object.fromEntries(Object.entries(cases).map(([key, [, code]]) => [key, `failed ${code} a`])));
    for (const [, { error }] of ended) expect(error).toMatch(/\w{3,}.*\w{3,}/);
    expect((await beside).body).toMatchObject({ status: 'completed', output: 42 });
    expect((await good).status).toBe(201);
    for (const [, { id }] of ended) expect(flawsOf(await historyOf(runlog, id))).toEqual([]);
    expect((await runlog.call('GET', '/health/ready')).status).toBe(200);
  });
});

describe('what does not fit', () => {
  it('fails its own execution, and nobody else waits', async () => {
    const large = (id: string) => code(id, 'return "x".repeat(800000);');
    const cases: Record<string, [Parameters<typeof inSequence>[1], string]> = {
      output: [[code('a', 'return "x".repeat(1100000);')], 'output_too_large'],
      pure_output: [[large('a'), transform('b', '[nodes.a, nodes.a]')], 'output_too_large'],
      task: [[large('a'), large('b'), code('c', 'return nodes.a.length + nodes.b.length;')], 'input_too_large'],
      prompt: [[large('a'), approval('ask', { prompt: 'Is {{ nodes.a }} fine?' })], 'expression_too_large'],
      request: [
        [large('a'), large('b'), { id: 'c', type: 'http', config: { method: 'POST', url: `${runlog.url}/`, body: ['{{ nodes.a }}', '{{ nodes.b }}'] } }],
        'input_too_large',
      ],
    };
    for (const [key, [nodes]] of Object.entries(cases)) await publish(runlog, inSequence(`too_large_${key}`, nodes));
    const ended = await Promise.all(Object.keys(cases).map(async (key) => [key, (await post(`/workflows/too_large_${key}/executions?wait=50`, {})).body] as const));
    expect(Object.fromEntries(ended.map(([key, { status, error_code }]) => [key, `${status} ${error_code}`]))).toEqual(
      Object.fromEntries(Object.entries(cases).map(([key, [, code]]) => [key, `failed ${code}`])),
    );
    expectProblem(await post('/workflows/good/executions', { input: { n: 'x'.repeat(MIB) } }), 413, 'body_too_large');
    const others = await Promise.all(Array.from({ length: 12 }, () => post('/workflows/plain/executions?wait=50', { input: { n: 1 } })));
    expect(others.map(({ status }) => status)).toEqual(others.map(() => 200));
  });

  it('just about does: 800 kB from node to node', async () => {
    await publish(runlog, inSequence('fits', [code('a', 'return "x".repeat(800000);'), code('b', 'return nodes.a;'), transform('c', '$length(nodes.b)')]));
    expect((await post('/workflows/fits/executions?wait=50', {})).body).toMatchObject({ status: 'completed', output: 800_000 });
  });
});

describe('a verb at the wrong time', () => {
  const waiting = async () => {
    const { status, body } = await post('/workflows/asks/executions?wait=50', {});
    expect([status, body.status]).toEqual([202, 'awaiting_approval']);
    return body;
  };
  const yes = { decision: 'approve', answer: { note: 'fine' } };

  it('an answer that breaks the schema, names no such gate, or lacks a decision is 422, and the gate stays open', async () => {
    const { id } = await waiting();
    expectProblem(await post(`/executions/${id}/respond`, { decision: 'approve', answer: { note: 5 } }), 422, 'answer_invalid', ['/answer/note']);
    expectProblem(await post(`/executions/${id}/respond`, { decision: 'approve' }), 422, 'answer_invalid');
    expectProblem(await post(`/executions/${id}/respond`, {}), 422, 'answer_invalid', ['/decision']);
    expectProblem(await post(`/executions/${id}/respond`, { decision: 'perhaps' }), 422, 'invalid_body', ['/decision']);
    expectProblem(await post(`/executions/${id}/respond`, { ...yes, node_id: 'nope' }), 422, 'gate_unknown', ['/node_id']);
    expectProblem(await post(`/executions/${id}/respond`, { ...yes, gate_id: 'nope' }), 422, 'gate_unknown', ['/gate_id']);
    expect((await get(`/executions/${id}`)).body).toMatchObject({ status: 'awaiting_approval', gates: [{ node_id: 'ask' }] });
    expect((await post(`/executions/${id}/respond`, yes)).status).toBe(200);
  });

  it('a second answer is 409 with the accepted one, an answer to nothing 409', async () => {
    const { id } = await waiting();
    expect((await post(`/executions/${id}/respond`, yes)).status).toBe(200);
    const second = await post(`/executions/${id}/respond`, { ...yes, node_id: 'ask', decision: 'reject' });
    expectProblem(second, 409, 'gate_decided');
    expect(second.body.state).toMatchObject({ status: 'completed', accepted: { node_id: 'ask', decision: 'approve', answer: { note: 'fine' } } });
    expectProblem(await post(`/executions/${id}/respond`, yes), 409, 'gate_decided');
    const { body } = await post('/workflows/plain/executions?wait=50', { input: { n: 1 } });
    expectProblem(await post(`/executions/${body.id}/respond`, yes), 409, 'no_open_gate');
  });

  it('several open gates and none named is 409 that lists them', async () => {
    await publish(runlog, {
      key: 'two',
      name: 'Two',
      nodes: [approval('one'), question('other')],
      edges: [
        { from: 'start_of_workflow', to: 'one' },
        { from: 'start_of_workflow', to: 'other' },
      ],
    } as never);
    const { body } = await post('/workflows/two/executions?wait=50', {});
    const execution = await until(async () => (await get(`/executions/${body.id}`)).body.gates.length === 2 && body, { what: 'two open gates' });
    const answer = await post(`/executions/${execution.id}/respond`, { decision: 'approve' });
    expectProblem(answer, 409, 'gate_ambiguous');
    expect(answer.body.detail).toMatch(/gate_id or node_id/);
  });

  it('a second cancel is the first one again, a cancel after the end 409', async () => {
    const { id } = await waiting();
    const first = await post(`/executions/${id}/cancel`, { reason: 'enough' });
    expect(first).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    const second = await post(`/executions/${id}/cancel`, {});
    expect(second.status).toBe(200);
    expect(second.body).toEqual(first.body);
    expectProblem(await post(`/executions/${id}/respond`, yes), 409, 'execution_ended');
    const { body } = await post('/workflows/plain/executions?wait=50', { input: { n: 1 } });
    const late = await post(`/executions/${body.id}/cancel`, {});
    expectProblem(late, 409, 'execution_ended');
    expect(late.body.state).toMatchObject({ status: 'completed' });
  });

  it('an If-Match of another version is 412, of no version 400', async () => {
    const { id, version } = await waiting();
    expectProblem(await post(`/executions/${id}/cancel`, {}, { 'if-match': `"${version - 1}-x"` }), 412, 'version_changed');
    expectProblem(await post(`/executions/${id}/cancel`, {}, { 'if-match': 'latest' }), 400, 'invalid_header');
    expect((await post(`/executions/${id}/cancel`, {}, { 'if-match': `"${version}-x"` })).status).toBe(200);
  });
});

describe('an Idempotency-Key', () => {
  it('with the same body gives the same answer, with another body 422, and acts once', async () => {
    const key = { 'idempotency-key': 'order-17' };
    const first = await post('/workflows/plain/executions', { input: { n: 7 } }, key);
    const again = await post('/workflows/plain/executions', { input: { n: 7 } }, key);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect([first.headers.get('idempotency-replayed'), again.headers.get('idempotency-replayed')]).toEqual([null, 'true']);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expectProblem(await post('/workflows/plain/executions', { input: { n: 8 } }, key), 422, 'idempotency_key_reused');
    expectProblem(await post('/workflows/plain/executions', { input: { n: 7 } }, { 'idempotency-key': 'a b' }), 400, 'invalid_header');
  });

  it('of a refused request may be used again with a better one', async () => {
    const key = { 'idempotency-key': 'order-18' };
    expectProblem(await post('/workflows/plain/executions', { input: { n: 0 } }, key), 422, 'invalid_input');
    expect((await post('/workflows/plain/executions', { input: { n: 1 } }, key)).status).toBe(201);
  });

  it('repeats an answer to a gate with the same 200', async () => {
    const { body } = await post('/workflows/asks/executions?wait=50', {});
    const answer = { decision: 'approve', answer: { note: 'ok' } };
    const first = await post(`/executions/${body.id}/respond`, answer, { 'idempotency-key': 'yes-1' });
    const again = await post(`/executions/${body.id}/respond`, answer, { 'idempotency-key': 'yes-1' });
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(again.body).toEqual(first.body);
  });

  it('while the first request still is in flight is 409', async () => {
    await publish(runlog, inSequence('slow', [delay('a', 2)]));
    const key = { 'idempotency-key': 'slow-1' };
    const first = post('/workflows/slow/executions?wait=50', {}, key);
    await until(async () => (await get('/executions?workflow_id=slow')).body.data.length === 1, { what: 'the first to be recorded' });
    expectProblem(await post('/workflows/slow/executions?wait=50', {}, key), 409, 'idempotency_in_flight');
    expect((await first).body).toMatchObject({ status: 'completed' });
    expect((await get('/executions?workflow_id=slow')).body.data).toHaveLength(1);
  });
});

import { type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { slowness } from '@runlog/testing';
import { historyOf } from './histories.js';
import { type Outside, startOutside } from './outside.js';
import { caller, type Running, startStandalone } from './standalone.js';
import { until } from './until.js';
import { approval, code, delay, inSequence, publish, question, transform } from './workflows.js';

jest.setTimeout(60_000);

let runlog: Running;
let editor: Running['call'];
let outside: Outside;
const hits: { path: string; key: string | undefined; at: number }[] = [];

const api = '/api/v1';
const post = (path: string, body?: unknown, headers?: Record<string, string>) => runlog.call('POST', `${api}${path}`, body, headers);
const get = (path: string, headers?: Record<string, string>) => runlog.call('GET', `${api}${path}`, undefined, headers);
const start = async (workflow: string, body: object = {}, query = '?wait=50') => (await post(`/workflows/${workflow}/executions${query}`, body)).body;
const respond = (id: string, body: object) => post(`/executions/${id}/respond`, body);
const ended = (id: string, timeoutMs = 50_000) =>
  until(
    async () => {
      const { body } = await get(`/executions/${id}`);
      return body.is_terminal && body;
    },
    { what: `execution ${id} to end`, timeoutMs, everyMs: 30 },
  );
const typesOf = async (id: string) => (await historyOf(runlog, id)).map(({ type }) => type);

/** What the http nodes of these tests talk to: the path says how it answers. */
const answer = (request: IncomingMessage, response: ServerResponse): void => {
  const path = request.url ?? '';
  hits.push({ path, key: request.headers['idempotency-key'] as string | undefined, at: Date.now() });
  const tries = hits.filter((hit) => hit.path === path).length;
  if (path.startsWith('/never')) return;
  if (path.startsWith('/third') && tries < 3) return void response.writeHead(503).end('busy');
  if (path.startsWith('/later') && tries < 2) return void response.writeHead(429, { 'retry-after': '1' }).end();
  if (path.startsWith('/refuses')) return void response.writeHead(400).end('bad');
  if (path.startsWith('/down')) return void response.writeHead(500).end('down');
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ tries }));
};

beforeAll(async () => {
  outside = await startOutside(answer);
  runlog = await startStandalone();
  const { body } = await post('/api-keys', { name: 'second person', role: 'editor' });
  editor = caller(runlog.url, body.key);
  await publish(runlog, inSequence('quick', [transform('a', 'input.n'), transform('b', '(nodes.a ? nodes.a : 0) + 1')]));
  await publish(runlog, inSequence('asks', [approval('ask'), transform('b', 'nodes.ask')]));
}, 90_000);

afterAll(async () => {
  outside?.stop();
  await runlog?.discard();
});

describe('cancel', () => {
  it('of a running one is 202, stops what runs, starts nothing more and ends in cancelled', async () => {
    await publish(runlog, inSequence('busy', [code('spin', 'console.log("spinning"); for (;;) {}', { timeout_ms: 60_000 }), transform('after', '1')]));
    const { id } = await start('busy', {}, '');
    await until(async () => (await get(`/executions/${id}`)).body.stats.spin.status === 'running', { what: 'the node to run' });
    const asked = await post(`/executions/${id}/cancel`, { reason: 'enough' });
    expect(asked.headers.get('location')).toBe(`/api/v1/executions/${id}`);
    expect(asked).toMatchObject({ status: 202, body: { status: 'running', cancel_requested_at: expect.stringMatching(/Z$/), cancelled_at: null } });
    const begun = Date.now();
    const body = await ended(id);
    expect(Date.now() - begun).toBeLessThan(5_000 * slowness());
    expect(body).toMatchObject({
      status: 'cancelled',
      status_reason: 'enough',
      cancelled_by: `user:key_${runlog.key.slice(0, 12)}`,
      output: null,
      error: null,
      actions_count: 2,
      stopped_actions_count: 1,
      idle_actions_count: 1,
    });
    expect(body.cancelled_at).toBe(body.completed_at);
    expect(await typesOf(id)).toEqual([
      'ExecutionCreated',
      'ExecutionQueued',
      'ExecutionStarted',
      'NodeScheduled',
      'NodeStarted',
      'CancelRequested',
      'NodeStopped',
      'ExecutionCancelled',
    ]);
  });

  it('of a suspended one, or one in a delay, is 200 at once', async () => {
    const { id } = await start('asks');
    expect(await post(`/executions/${id}/cancel`)).toMatchObject({ status: 200, body: { status: 'cancelled', gates: [], is_terminal: true } });
    await publish(runlog, inSequence('sleeps', [delay('a', 600)]));
    const sleeping = await start('sleeps', {}, '');
    expect(sleeping.status).toBe('running');
    expect(await post(`/executions/${sleeping.id}/cancel`, {})).toMatchObject({ status: 200, body: { status: 'cancelled', stopped_actions_count: 1 } });
  });
});

describe('a gate', () => {
  it('approved goes on, rejected ends in rejected, unless it says fail or branch', async () => {
    const open = await start('asks');
    expect(open).toMatchObject({
      status: 'awaiting_approval',
      gates: [{ node_id: 'ask', kind: 'approval', prompt: 'Go on?', expires_at: null, approvals_given: 0, approvals_needed: 1 }],
    });
    expect((await get(`/executions/${open.id}/why`)).body).toMatchObject({ causes: [{ kind: 'gate', node_id: 'ask', gate_id: open.gates[0].id }] });
    expect(await respond(open.id, { gate_id: open.gates[0].id, decision: 'approve', comment: 'well done' })).toMatchObject({ status: 200 });
    expect((await ended(open.id)).output).toEqual({ decision: 'approve', by: `user:key_${runlog.key.slice(0, 12)}`, comment: 'well done', answer: null });

    const { id } = await start('asks');
    expect(await respond(id, { decision: 'reject', comment: 'no' })).toMatchObject({ status: 200, body: { status: 'rejected', is_terminal: true, output: null } });

    await publish(
      runlog,
      inSequence(
        'asks_or_fails',
        [approval('ask', { prompt: 'Go?' })].map((node) => ({ ...node, config: { prompt: 'Go?', on_reject: 'fail' } })),
      ),
    );
    const failing = await start('asks_or_fails');
    expect(await respond(failing.id, { decision: 'reject' })).toMatchObject({ status: 200, body: { status: 'failed', error_code: 'gate_rejected', error_node_id: 'ask' } });

    await publish(runlog, {
      key: 'asks_which',
      name: 'Asks which',
      nodes: [approval('ask', { on_reject: 'branch' }), transform('yes', '"yes"'), transform('no', '"no"')],
      edges: [
        { from: 'start_of_workflow', to: 'ask' },
        { from: 'ask', to: 'yes', branch: 'approved' },
        { from: 'ask', to: 'no', branch: 'rejected' },
      ],
    } as never);
    const branching = await start('asks_which');
    const { body } = await respond(branching.id, { decision: 'reject' });
    expect(body).toMatchObject({ status: 'completed', output: { no: 'no' }, stats: { yes: { status: 'skipped' }, 'ask-yes': { status: 'closed' }, 'ask-no': { status: 'open' } } });
  });

  it('that asks a question suspends and takes an answer that fits', async () => {
    await publish(
      runlog,
      inSequence('quiz', [question('colour', { prompt: 'Which, {{ input.name }}?', schema: { enum: ['red', 'blue'] } }), transform('b', 'nodes.colour.answer')]),
    );
    const { id, status, gates } = await start('quiz', { input: { name: 'Ada' } });
    expect([status, gates[0].kind, gates[0].prompt]).toEqual(['suspended', 'question', 'Which, Ada?']);
    expect((await respond(id, { answer: 'green' })).status).toBe(422);
    expect(await respond(id, { answer: 'blue' })).toMatchObject({ status: 200, body: { status: 'completed', output: 'blue' } });
  });

  it('may need several people, never the starter', async () => {
    await publish(runlog, inSequence('board', [approval('ask', { approvers: { needed: 1, exclude_starter: true } })]));
    const { id } = await start('board');
    expect((await respond(id, { decision: 'approve' })).body).toMatchObject({ status: 403, code: 'starter_excluded' });
    expect(await editor('POST', `${api}/executions/${id}/respond`, { decision: 'approve' })).toMatchObject({ status: 200, body: { status: 'completed' } });
    await publish(runlog, inSequence('board_of_two', [approval('ask', { approvers: { needed: 2 } })]));
    const two = await start('board_of_two');
    expect(await respond(two.id, { decision: 'approve' })).toMatchObject({
      status: 200,
      body: { status: 'awaiting_approval', gates: [{ approvals_given: 1, approvals_needed: 2 }] },
    });
    expect((await respond(two.id, { decision: 'approve' })).body).toMatchObject({ status: 409, code: 'already_answered' });
    expect(await editor('POST', `${api}/executions/${two.id}/respond`, { decision: 'approve' })).toMatchObject({ status: 200, body: { status: 'completed' } });
  });

  it('that nobody answers expires with the outcome it names, and reminds before', async () => {
    const outcomes = { approve: 'approve', reject: 'reject', fail: 'fail', answer: { answer: { colour: 'grey' } } };
    await Promise.all(
      Object.entries(outcomes).map(([key, on_expiry]) =>
        publish(
          runlog,
          inSequence(`expires_${key}`, [approval('ask', { expires_in_seconds: 2, reminders_seconds: [1], on_expiry }), transform('b', 'nodes.ask')], {
            settings: { run_timeout_seconds: 1 },
          }),
        ),
      ),
    );
    const open = await Promise.all(Object.keys(outcomes).map(async (key) => [key, await start(`expires_${key}`)] as const));
    for (const [, { gates }] of open) expect(Date.parse(gates[0].expires_at) - Date.parse(gates[0].requested_at)).toBe(2000);
    const closed = Object.fromEntries(await Promise.all(open.map(async ([key, { id }]) => [key, await ended(id)] as const)));
    expect(closed.approve).toMatchObject({ status: 'completed', output: { decision: 'approve', by: 'system:gate_expired' } });
    expect(closed.reject).toMatchObject({ status: 'rejected' });
    expect(closed.fail).toMatchObject({ status: 'failed', error_code: 'gate_expired', error_node_id: 'ask' });
    expect(closed.answer).toMatchObject({ status: 'completed', output: { answer: { colour: 'grey' } } });
    expect(closed.approve.suspended_ms).toBeGreaterThanOrEqual(1900);
    expect(Date.parse(closed.approve.completed_at) - Date.parse(closed.approve.created_at)).toBe(closed.approve.queued_ms + closed.approve.duration_ms);
    expect(await typesOf(closed.approve.id)).toEqual(expect.arrayContaining(['ApprovalRequested', 'GateReminded', 'GateExpired']));
    expect((await respond(closed.approve.id, { node_id: 'ask', decision: 'reject' })).status).toBe(409);
  });
});

describe('time', () => {
  it('passes in delays, backs off between tries, and runs out for nodes and runs', async () => {
    const request = (id: string, path: string, config: object = {}, more: object = {}) => ({ id, type: 'http', config: { url: `${outside.url}${path}`, ...config }, ...more });
    const retry = { max_attempts: 3, initial_ms: 100, factor: 2, jitter: false };
    const cases = {
      waits: inSequence('waits', [
        delay('a', 1),
        { id: 'b', type: 'delay', config: { until: '2020-01-01T00:00:00Z' } },
        { id: 'c', type: 'delay', config: { seconds: '{{ input.seconds }}' } },
        transform('d', '"done"'),
      ]),
      third: inSequence('third', [request('a', '/third', { method: 'POST', body: { n: 1 } }, { retry }), transform('b', 'nodes.a.body.tries')]),
      later: inSequence('later', [request('a', '/later', {}, { retry }), transform('b', 'nodes.a.body.tries')]),
      down: inSequence('down', [request('a', '/down', {}, { retry })]),
      refuses: inSequence('refuses', [request('a', '/refuses', {}, { retry })]),
      choosy: inSequence('choosy', [request('a', '/down/choosy', {}, { retry: { ...retry, non_retryable: ['http_status'] } })]),
      never: inSequence('never', [request('a', '/never', {}, { timeout_ms: 500 })]),
      short: inSequence('short', [delay('a', 60)], { settings: { run_timeout_seconds: 1 } }),
    };
    for (const definition of Object.values(cases)) await publish(runlog, definition);
    const runs = await Promise.all(Object.keys(cases).map(async (key) => [key, await ended((await start(key, { input: { seconds: 0.5 } }, '')).id)] as const));
    const result = Object.fromEntries(runs);

    expect(result.waits).toMatchObject({ status: 'completed', output: 'done' });
    expect(result.waits.duration_ms).toBeGreaterThanOrEqual(1500);
    expect(result.waits.duration_ms).toBeLessThan(10_000 * slowness());

    expect(result.third).toMatchObject({ status: 'completed', output: 3, retry_count: 0, stats: { a: { attempts: 3 } } });
    const third = hits.filter(({ path }) => path === '/third');
    expect(new Set(third.map(({ key }) => key)).size).toBe(1);
    expect(third[0]?.key).toBeTruthy();
    const [one, two, three] = third.map(({ at }) => at) as [number, number, number];
    expect([two - one >= 95, three - two >= 195]).toEqual([true, true]);
    const { body } = await get(`/executions/${result.third.id}/nodes/a`);
    expect(body.attempts.map(({ status, error }: { status: string; error: { code: string } | null }) => `${status} ${error?.code ?? ''}`.trim())).toEqual([
      'failed http_status',
      'failed http_status',
      'completed',
    ]);
    expect((await typesOf(result.third.id)).filter((type) => type === 'NodeRetryScheduled')).toHaveLength(2);

    expect(result.later).toMatchObject({ status: 'completed', output: 2 });
    const later = hits.filter(({ path }) => path === '/later').map(({ at }) => at) as [number, number];
    expect(later[1] - later[0]).toBeGreaterThanOrEqual(990);

    expect(result.down).toMatchObject({ status: 'failed', error_code: 'http_status', stats: { a: { attempts: 3 } } });
    expect(result.refuses).toMatchObject({ status: 'failed', stats: { a: { attempts: 1 } } });
    expect(result.choosy).toMatchObject({ status: 'failed', stats: { a: { attempts: 1 } } });
    expect(result.never).toMatchObject({ status: 'failed', error_code: 'timed_out', error_node_id: 'a' });
    expect(result.short).toMatchObject({ status: 'failed', error_code: 'timed_out', error_node_id: null });
    expect(result.short.duration_ms).toBeLessThan(10_000 * slowness());
  });
});

describe('a create that waits', () => {
  it('is 201 without waiting, 200 at the end, 202 when it goes on, at once when it asks', async () => {
    await publish(runlog, inSequence('three_seconds', [delay('a', 3)]));
    const path = '/workflows/quick/executions';
    const plain = await post(path, { input: { n: 1 } });
    expect(plain).toMatchObject({ status: 201, body: { object: 'execution', input: { n: 1 } } });
    expect(plain.headers.get('location')).toBe(`/api/v1/executions/${plain.body.id}`);
    expect(plain.headers.get('preference-applied')).toBeNull();

    const preferred = await post(path, { input: { n: 1 } }, { prefer: 'respond-async, wait=99999999999' });
    expect(preferred).toMatchObject({ status: 200, body: { status: 'completed', output: 2 } });
    expect(preferred.headers.get('preference-applied')).toBe('wait=600');
    const both = await post(`${path}?wait=0`, { input: { n: 1 } }, { prefer: 'wait=10' });
    expect([both.status, both.headers.get('preference-applied')]).toEqual([201, null]);
    expect(await post('/executions?wait=50', { workflow_id: 'quick', input: { n: 4 } })).toMatchObject({ status: 200, body: { output: 5 } });

    const begun = performance.now();
    const asking = await post('/workflows/asks/executions?wait=60', {});
    expect(asking).toMatchObject({ status: 202, body: { status: 'awaiting_approval' } });
    expect(asking.headers.get('location')).toBe(`/api/v1/executions/${asking.body.id}`);
    expect(performance.now() - begun).toBeLessThan(20_000 * slowness());

    const slow = performance.now();
    const goesOn = await post('/workflows/three_seconds/executions?wait=1', {});
    expect(goesOn).toMatchObject({ status: 202, body: { status: 'running', is_terminal: false } });
    expect(goesOn.headers.get('location')).toBe(`/api/v1/executions/${goesOn.body.id}`);
    expect(performance.now() - slow).toBeGreaterThanOrEqual(950);
    expect(await ended(goesOn.body.id)).toMatchObject({ status: 'completed' });
  });

  it('goes on when its client leaves', async () => {
    const gone = new AbortController();
    const left = fetch(`${runlog.url}${api}/workflows/three_seconds/executions?wait=60`, {
      method: 'POST',
      headers: { authorization: `Bearer ${runlog.key}` },
      signal: gone.signal,
    }).catch(() => 'left');
    const running = await until(async () => (await get('/executions?workflow_id=three_seconds&status=running')).body.data[0], { what: 'it to run' });
    gone.abort();
    expect(await left).toBe('left');
    expect(await ended(running.id)).toMatchObject({ status: 'completed' });
  });
});

describe('a list', () => {
  it('is filtered, sorted and paged, forwards and back', async () => {
    await publish(runlog, inSequence('listed', [transform('a', 'input.n')]));
    const ids: string[] = [];
    for (let n = 0; n < 7; n++)
      ids.push((await start('listed', { input: { n }, tags: [n % 2 ? 'odd' : 'even'], metadata: { customer: `c${n % 3}`, n }, session_id: `s${n % 2}`, queue_name: 'mail' })).id);
    const list = async (query: string) => (await get(`/executions?workflow_id=listed&${query}`)).body;
    const found = async (query: string) => (await list(query)).data.map(({ id }: { id: string }) => ids.indexOf(id));
    await until(async () => (await list('')).data.length === 7, { what: 'all seven to be listed' });

    expect(await found('')).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(await found('sort=created_at')).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(await found('tag=odd')).toEqual([5, 3, 1]);
    expect(await found('metadata[customer]=c1')).toEqual([4, 1]);
    expect(await found('metadata%5Bcustomer%5D=c1&metadata%5Bn%5D=4')).toEqual([4]);
    expect(await found('session_id=s0&tag=even')).toEqual([6, 4, 2, 0]);
    expect(await found('queue_name=mail&limit=2')).toEqual([6, 5]);
    expect(await found('status=completed&status=failed')).toHaveLength(7);
    expect(await found('status=failed')).toEqual([]);
    expect(await found('q=listed_3')).toEqual([2]);
    expect(await found('workflow_id=nope'.replace('workflow_id', 'tag'))).toEqual([]);
    const third = (await get(`/executions/${ids[3]}`)).body;
    expect(await found(`created_after=${third.created_at}&sort=created_at`)).toEqual(expect.arrayContaining([4, 5, 6]));
    expect(await found(`created_before=${third.created_at}`)).not.toContain(4);

    const forwards: number[] = [];
    const pages: { next_cursor: string; prev_cursor: string; has_more: boolean; data: { id: string }[] }[] = [];
    for (let after = ''; ; ) {
      const page = await list(`limit=3${after}`);
      pages.push(page);
      forwards.push(...page.data.map(({ id }: { id: string }) => ids.indexOf(id)));
      if (!page.has_more) break;
      after = `&after=${page.next_cursor}`;
    }
    expect(forwards).toEqual([6, 5, 4, 3, 2, 1, 0]);
    expect(pages.map(({ data, has_more }) => [data.length, has_more])).toEqual([
      [3, true],
      [3, true],
      [1, false],
    ]);
    expect([pages[0]?.prev_cursor, pages[2]?.next_cursor]).toEqual([null, null]);
    expect(await found(`limit=3&before=${pages[2]?.prev_cursor}`)).toEqual([3, 2, 1]);
    expect((await list('limit=3&page=2')).meta).toEqual({ total: 7, page: 2, limit: 3, total_pages: 3 });
    expect(await found('limit=3&page=3')).toEqual([0]);

    const row = (await list('limit=1')).data[0];
    expect(Object.keys(row)).not.toEqual(expect.arrayContaining(['template']));
    expect((await list('limit=1&expand=template,stats,execution_data')).data[0]).toMatchObject({
      template: { nodes: expect.any(Array) },
      stats: { a: { status: 'completed' } },
      execution_data: { a: 6 },
    });
    expect((await list('limit=1&fields=key,status')).data).toEqual([{ key: 'listed_7', status: 'completed' }]);
    expect(Number((await get('/executions')).headers.get('runlog-lag-ms'))).toBeGreaterThanOrEqual(0);
  });
});

describe('one execution', () => {
  /** 4 bytes of seconds since 1400000000 and the id's own 16 bytes, in base62. */
  const ksuidOf = (id: string): string => {
    const hex = id.replaceAll('-', '');
    const seconds = Math.floor(Number.parseInt(hex.slice(0, 12), 16) / 1000) - 1_400_000_000;
    let number = (BigInt(seconds) << 128n) | BigInt(`0x${hex}`);
    let text = '';
    for (; number > 0n; number /= 62n) text = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'[Number(number % 62n)] + text;
    return text.padStart(27, '0');
  };

  it('is found by id, KSUID, hashid and key', async () => {
    const { id, hashid, key } = await start('quick');
    expect(hashid).toMatch(/^[A-Za-z0-9]{5,}$/);
    for (const ref of [id, id.toUpperCase(), ksuidOf(id), hashid, key]) expect((await get(`/executions/${ref}`)).body).toMatchObject({ id, hashid, key });
    expect((await get(`/workflows/${(await get('/workflows/quick')).body.id}`)).body.key).toBe('quick');
  });

  it('has an ETag that saves a transfer and guards a verb', async () => {
    const { id, version } = await start('quick');
    const first = await get(`/executions/${id}`);
    const etag = first.headers.get('etag') as string;
    expect(etag).toMatch(new RegExp(`^"${version}-.+"$`));
    const same = await get(`/executions/${id}`, { 'if-none-match': etag });
    expect([same.status, same.body, same.headers.get('etag')]).toEqual([304, '', etag]);
    expect((await get(`/executions/${id}?timezone=Asia/Tokyo`, { 'if-none-match': etag })).status).toBe(200);
    const open = await start('asks');
    const tag = (await get(`/executions/${open.id}`)).headers.get('etag') as string;
    expect((await post(`/executions/${open.id}/respond`, { decision: 'approve' }, { 'if-match': '"1-x"' })).status).toBe(412);
    expect((await post(`/executions/${open.id}/respond`, { decision: 'approve' }, { 'if-match': tag })).status).toBe(200);
  });

  it('can be waited for by version and seen as it stood', async () => {
    const open = await start('asks');
    const { body } = await respond(open.id, { decision: 'approve' });
    expect((await get(`/executions/${open.id}?min_version=${body.version}`)).body.version).toBe(body.version);
    expect((await get(`/executions/${open.id}?at_version=${open.version}`)).body).toMatchObject({
      version: open.version,
      status: 'awaiting_approval',
      gates: [{ node_id: 'ask' }],
      output: null,
      trace_id: body.trace_id,
    });
    expect((await get(`/executions/${open.id}?at_version=1`)).body).toMatchObject({ version: 1, status: 'pending', started_at: null });
    expect((await get(`/executions/${open.id}?at_version=99`)).status).toBe(404);
    const begun = performance.now();
    const late = await get(`/executions/${open.id}?min_version=99`);
    expect(late).toMatchObject({ status: 503, body: { code: 'version_not_there_yet' } });
    expect(late.headers.get('retry-after')).toBe('1');
    expect(performance.now() - begun).toBeLessThan(15_000 * slowness());
  });

  it('tells its time in the zone that is asked for', async () => {
    const { id } = await start('quick');
    const inZone = async (query: string, headers?: Record<string, string>) => (await get(`/executions/${id}${query}`, headers)).body;
    const utc = await inZone('');
    expect(utc.created_at).toBe(utc.created_at_utc);
    expect(utc.created_at_string).toMatch(/^[A-Z][a-z]{2} \d\d, \d{4} \d\d:\d\d (am|pm) UTC$/);
    const kolkata = await inZone('?timezone=Asia/Kolkata', { 'time-zone': 'America/New_York' });
    expect(kolkata.created_at).toMatch(/\+05:30$/);
    expect(Date.parse(kolkata.created_at)).toBe(Date.parse(utc.created_at));
    expect((await inZone('', { 'time-zone': 'America/New_York' })).created_at_string).toMatch(/ (EST|EDT)$/);
    expect((await get(`/executions/${id}?timezone=EST5`)).status).toBe(400);
  });

  it('carries the trace of whoever created it', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const { body } = await post('/workflows/quick/executions?wait=50', {}, { traceparent: `00-${trace}-b7ad6b7169203331-01` });
    expect(body.trace_id).toBe(trace);
    expect((await get(`/executions/${body.id}`)).body.trace_id).toBe(trace);
    expect((await start('quick')).trace_id).toMatch(/^[0-9a-f]{32}$/);
  });
});

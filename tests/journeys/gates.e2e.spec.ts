import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { caller, type Running, startStandalone } from './standalone.js';
import { until } from './until.js';
import { approval, code, inSequence, publish, question, transform } from './workflows.js';

let runlog: Running;
let editor: Running['call'];
let viewer: Running['call'];
let editorPrefix: string;

const api = '/api/v1';
const post = (path: string, body?: unknown, headers?: Record<string, string>) => runlog.call('POST', `${api}${path}`, body, headers);
const get = (path: string) => runlog.call('GET', `${api}${path}`);
const start = async (workflow: string, input: object = {}) => (await post(`/workflows/${workflow}/executions?wait=50`, { input })).body;
const respond = (id: string, body: object, headers?: Record<string, string>) => post(`/executions/${id}/respond`, body, headers);
const keyOf = async (role: string) => (await post('/api-keys', { name: role, role })).body;

const form = { type: 'object', required: ['amount'], properties: { amount: { type: 'number', maximum: 100 } }, additionalProperties: false };

beforeAll(async () => {
  runlog = await startStandalone();
  const made = await keyOf('editor');
  editorPrefix = made.prefix;
  editor = caller(runlog.url, made.key);
  viewer = caller(runlog.url, (await keyOf('viewer')).key);
  await publish(runlog, inSequence('pay', [approval('ask', { prompt: 'Pay {{ input.n }}?', schema: form }), transform('paid', 'nodes.ask.answer.amount')]));
  await publish(runlog, {
    key: 'several',
    name: 'Several',
    nodes: [approval('legal'), question('tone', { schema: { enum: ['kind', 'firm'] } }), transform('both', '[nodes.legal.decision, nodes.tone.answer]')],
    edges: ['legal', 'tone'].flatMap((id) => [
      { from: 'start_of_workflow', to: id },
      { from: id, to: 'both' },
    ]),
  } as never);
}, 90_000);

afterAll(() => runlog?.discard(), 30_000);

describe('several open gates', () => {
  it('must be named, are answered one by one, and a wrong name is told what is open', async () => {
    const { id, gates, status } = await start('several');
    expect([status, gates.map((gate: { id: string }) => gate.id).sort()]).toEqual(['awaiting_approval', ['legal.1', 'tone.1']]);
    const unnamed = await respond(id, { decision: 'approve' });
    expect(unnamed).toMatchObject({
      status: 409,
      body: { code: 'gate_ambiguous', state: { open_gates: expect.arrayContaining([{ id: 'tone.1', node_id: 'tone', kind: 'question' }]) } },
    });
    expect(await respond(id, { gate_id: 'other.1', decision: 'approve' })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/gate_id' }] } });
    expect(await respond(id, { gate_id: 'legal.1', node_id: 'tone', decision: 'approve' })).toMatchObject({ status: 422 });
    expect(await respond(id, { node_id: 'tone', answer: 'rude' })).toMatchObject({ status: 422, body: { code: 'answer_invalid', errors: [{ pointer: '/answer' }] } });
    expect(await respond(id, { node_id: 'legal', decision: 'approve' })).toMatchObject({ status: 200, body: { status: 'suspended', gates: [{ id: 'tone.1' }] } });
    expect(await respond(id, { answer: 'kind' })).toMatchObject({ status: 200, body: { status: 'completed', output: ['approve', 'kind'] } });
  });
});

describe('an answer', () => {
  it('that breaks the schema leaves the gate open, with a pointer to what is wrong', async () => {
    const { id } = await start('pay', { n: 5 });
    expect(await respond(id, { decision: 'approve', answer: { amount: 500 } })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/answer/amount' }] } });
    expect((await get(`/executions/${id}`)).body).toMatchObject({ status: 'awaiting_approval', gates: [{ id: 'ask.1' }] });
    expect(await respond(id, { decision: 'approve', answer: { amount: 50 } })).toMatchObject({ status: 200, body: { output: 50 } });
  });

  it('that comes late is told the accepted one, and the same key is given the same 200', async () => {
    const { id } = await start('pay', { n: 6 });
    const accepted = { decision: 'approve', answer: { amount: 6 }, comment: 'fine' };
    const first = await respond(id, accepted, { 'idempotency-key': `answer-${id}` });
    const again = await respond(id, accepted, { 'idempotency-key': `answer-${id}` });
    expect([first.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 200, 'true']);
    expect(again.body).toEqual(first.body);
    const late = await editor('POST', `${api}/executions/${id}/respond`, { decision: 'reject' });
    const by = `user:key_${runlog.key.slice(0, 12)}`;
    expect(late).toMatchObject({ status: 409, body: { code: 'gate_decided', state: { status: 'completed', accepted: { gate_id: 'ask.1', node_id: 'ask', ...accepted, by } } } });
  });

  it('wins alone when many give theirs at once', async () => {
    const { id } = await start('pay', { n: 7 });
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => (n % 2 ? editor : runlog.call)('POST', `${api}/executions/${id}/respond`, { decision: 'approve', answer: { amount: n } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(11).fill(409)]);
    const won = answers.find(({ status }) => status === 200)?.body.output;
    for (const { status, body } of answers) if (status === 409) expect(body.state.accepted.answer).toEqual({ amount: won });
  });

  it('is taken from those whom the gate names by role or by key, and from nobody else', async () => {
    await publish(runlog, inSequence('named', [approval('ask', { approvers: { users: [`key_${editorPrefix}`], roles: ['viewer'], needed: 2 } })]));
    await publish(runlog, inSequence('admins', [approval('ask', { approvers: { roles: ['admin'] } })]));
    const { id } = await start('admins');
    expect(await editor('POST', `${api}/executions/${id}/respond`, { decision: 'approve' })).toMatchObject({ status: 403, body: { code: 'not_an_approver' } });
    expect(await respond(id, { decision: 'approve' })).toMatchObject({ status: 200, body: { status: 'completed' } });
    const two = await start('named');
    expect(await viewer('POST', `${api}/executions/${two.id}/respond`, { decision: 'approve' })).toMatchObject({
      status: 200,
      body: { status: 'awaiting_approval', gates: [{ approvals_given: 1 }] },
    });
    expect(await editor('POST', `${api}/executions/${two.id}/respond`, { decision: 'approve' })).toMatchObject({ status: 200, body: { status: 'completed' } });
    const open = await start('pay', { n: 1 });
    expect(await viewer('POST', `${api}/executions/${open.id}/respond`, { decision: 'reject' })).toMatchObject({ status: 403 });
  });
});

describe('the inbox', () => {
  it('has the open gates of every execution, filtered and paged, and forgets what is answered or cancelled', async () => {
    await publish(runlog, inSequence('review', [question('colour')]));
    const made: string[] = [];
    for (let n = 0; n < 4; n++) made.unshift((await start('review')).id);
    const inbox = async (query = '') => (await get(`/approvals?workflow_id=review${query}`)).body;
    const of = (page: { data: { execution_id: string }[] }) => page.data.map(({ execution_id }) => execution_id);
    await until(async () => (await inbox()).data.length === 4, { what: 'four open gates' });
    const first = await inbox('&limit=3');
    expect([of(first), first.has_more]).toEqual([made.slice(0, 3), true]);
    expect(of(await inbox(`&limit=3&after=${first.next_cursor}`))).toEqual(made.slice(3));
    expect(first.data[0]).toEqual({
      id: 'colour.1',
      execution_id: made[0],
      execution_key: expect.stringMatching(/^review_\d+$/),
      workflow_id: expect.stringMatching(/-/),
      node_id: 'colour',
      kind: 'question',
      prompt: 'What?',
      schema: null,
      requested_at: expect.stringMatching(/Z$/),
      expires_at: null,
      approvals_given: 0,
      approvals_needed: 1,
    });
    expect([of(await inbox('&kind=approval')), of(await inbox('&node_id=colour'))]).toEqual([[], made]);
    await respond(made[0] as string, { answer: 'red' });
    await post(`/executions/${made[1]}/cancel`);
    expect(of(await inbox())).toEqual(made.slice(2));
    expect((await viewer('GET', `${api}/approvals?limit=1`)).body.data).toHaveLength(1);
  });
});

describe('a cancel', () => {
  it('has a receipt: what ran was signalled and stopped, what waited was never asked', async () => {
    await publish(runlog, {
      key: 'busy_and_asking',
      name: 'Busy and asking',
      nodes: [code('spin', 'for (;;);', { timeout_ms: 60_000 }), approval('ask')],
      edges: ['spin', 'ask'].map((to) => ({ from: 'start_of_workflow', to })),
    } as never);
    const { id } = (await post('/workflows/busy_and_asking/executions', {})).body;
    expect((await get(`/executions/${id}/cancellation`)).body).toMatchObject({ status: 404, code: 'cancellation_not_found' });
    await until(async () => (await get(`/executions/${id}`)).body.stats.spin.status === 'running', { what: 'the node to run' });
    expect(await post(`/executions/${id}/cancel`, { reason: 'enough' })).toMatchObject({ status: 202 });
    await until(async () => (await get(`/executions/${id}`)).body.is_terminal, { what: 'the execution to end' });
    const { body } = await get(`/executions/${id}/cancellation`);
    expect(body).toMatchObject({ by: `user:key_${runlog.key.slice(0, 12)}`, reason: 'enough', acknowledged: true });
    const nodes = Object.fromEntries(body.nodes.map((node: { node_id: string }) => [node.node_id, node]));
    expect(nodes.ask).toEqual({ node_id: 'ask', attempt: 1, outcome: 'stopped', ms: 0 });
    expect(nodes.spin).toEqual({ node_id: 'spin', attempt: 1, outcome: 'stopped', ms: expect.any(Number), signalled_ms: expect.any(Number) });
    expect(nodes.spin.signalled_ms).toBeLessThanOrEqual(nodes.spin.ms);
  }, 60_000);
});

describe('an explanation', () => {
  it('says who can answer, and when a failed node is tried again', async () => {
    const { id } = await start('pay', { n: 1 });
    expect((await get(`/executions/${id}/why`)).body).toMatchObject({
      object: 'why',
      status: 'awaiting_approval',
      causes: [{ kind: 'gate', gate_id: 'ask.1', unblock: [{ by: 'editor and up' }] }],
    });
    await publish(runlog, inSequence('flaky', [code('a', 'throw new Error("busy");', { retry: { max_attempts: 2, initial_ms: 20_000, jitter: false } })]));
    const failing = (await post('/workflows/flaky/executions', {})).body;
    const why = async () => (await get(`/executions/${failing.id}/why`)).body.causes;
    const [cause] = await until(async () => (await why()).length > 0 && why(), { what: 'a cause' });
    expect(cause).toMatchObject({ kind: 'retry', node_id: 'a', detail: expect.stringContaining('busy'), unblock: [{ by: 'scheduler' }] });
    expect(Date.parse(cause.until) - Date.parse(cause.since)).toBe(20_000);
  });

  it('shows where two runs part', async () => {
    const answered = async (amount: number) => {
      const { id } = await start('pay', { n: 2 });
      await respond(id, { decision: 'approve', answer: { amount } });
      return id;
    };
    const [a, b] = [await answered(1), await answered(2)];
    const { body } = await get(`/executions/${a}/diff/${b}`);
    expect(body).toMatchObject({
      a,
      b,
      first_divergence: { node_id: 'ask', field: 'output' },
      nodes: [
        { node_id: 'ask', output_equal: false },
        { node_id: 'paid', status: { a: 'completed', b: 'completed' }, output_equal: false },
      ],
    });
    expect((await get(`/executions/${a}/diff/${a}`)).body.first_divergence).toBeNull();
    expect((await get(`/executions/${a}/diff/nobody_1`)).status).toBe(404);
  });
});

describe('a proof', () => {
  const verify = (...args: string[]): Promise<{ code: number; said: string }> =>
    new Promise((done) => {
      execFile(process.execPath, ['deploy/local/verify-proof.mjs', ...args], (error, stdout) => done({ code: typeof error?.code === 'number' ? error.code : 0, said: stdout }));
    });

  it('is what an offline verifier finds in the history, until somebody changes it', async () => {
    const { id } = await start('pay', { n: 3 });
    await respond(id, { decision: 'approve', answer: { amount: 3 }, comment: 'naïve "\u2028" 😀' });
    const proof = (await get(`/executions/${id}/proof`)).body;
    const history = (await get(`/executions/${id}/events?limit=1000`)).body;
    expect(proof).toMatchObject({ execution_id: id, valid: true, length: history.data.length, tip: history.data.at(-1).id });
    expect(proof.events).toEqual(
      history.data.map(({ version, id: event, previous, type }: { version: number; id: string; previous: string; type: string }) => ({ version, id: event, previous, type })),
    );
    const [events, kept] = [join(runlog.home, 'events.json'), join(runlog.home, 'proof.json')];
    await writeFile(events, JSON.stringify(history));
    await writeFile(kept, JSON.stringify(proof));
    expect(await verify(events, '--proof', kept)).toEqual({ code: 0, said: expect.stringContaining('are as recorded') });
    await writeFile(events, JSON.stringify(history).replace('"amount":3', '"amount":9'));
    expect(await verify(events, '--proof', kept)).toMatchObject({ code: 1, said: expect.stringContaining('was changed') });
    await writeFile(events, JSON.stringify({ ...history, data: history.data.slice(0, -1) }));
    expect(await verify(events, '--proof', kept)).toMatchObject({ code: 1 });
  });
});

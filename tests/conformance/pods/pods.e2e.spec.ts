import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { caller } from '../../journeys/standalone.js';
import { until } from '../../journeys/until.js';
import { approval, question } from '../../journeys/workflows.js';
import { type Execution, misfits, type Product, startProduct, type Table } from '../product.js';
import { asking, askingMore, doubling, failing, lasting, looping, questioning } from '../workflows.js';
import { connect, follow } from './reading.js';

jest.setTimeout(90_000);

const page: Table = {
  id: 'uuid',
  workspaceId: 'uuid',
  podId: 'uuid',
  workflowId: 'uuid',
  status: 'string',
  triggeredBy: 'string',
  input: 'any',
  output: 'any',
  error: 'string | null',
  nodeResults: 'object',
  startedAt: 'timestamp | null',
  completedAt: 'timestamp | null',
  finishedAt: 'timestamp | null',
  createdAt: 'timestamp',
  durationMs: 'integer | null',
};
const nodeResult: Table = { status: 'string', output: 'any', error: 'string | null', startedAt: 'timestamp | null', finishedAt: 'timestamp | null', durationMs: 'integer | null' };
const words = ['queued', 'running', 'suspended', 'completed', 'failed', 'cancelled'];
const root = '/workspaces/default/pods/default/executions';
const ended = ({ status }: Execution) => ['completed', 'failed', 'cancelled'].includes(status);

let product: Product;
let pods: Product['call'];
let viewer: Product['call'];
const ids: Record<string, string> = {};

beforeAll(async () => {
  product = await startProduct('pods', { RUNLOG_SSE_MAX_SECONDS: '5' });
  pods = product.as;
  viewer = caller(product.url, await product.newKey({ role: 'viewer' }));
  const both = {
    key: 'both',
    name: 'Both',
    nodes: [approval('pay', { prompt: 'Pay?' }), question('which', { prompt: 'Which?' })],
    edges: [
      { from: 'start_of_workflow', to: 'pay' },
      { from: 'start_of_workflow', to: 'which' },
    ],
  };
  for (const definition of [doubling, failing, asking, askingMore, questioning, lasting, looping, both]) {
    await product.publish(definition);
    ids[definition.key] = (await product.call('GET', `/api/v1/workflows/${definition.key}`)).body.id;
  }
}, 120_000);
afterAll(() => product?.discard());

const trigger = async (workflow: string, input?: unknown): Promise<Execution> => {
  const { status, body } = await pods('POST', root, { workflowId: ids[workflow], ...(input === undefined ? {} : { input }) });
  if (status !== 201) throw new Error(`Expected to trigger '${workflow}', but got ${status}: ${JSON.stringify(body)}`);
  return body;
};
const detail = async (id: string, query = ''): Promise<Execution> => (await pods('GET', `${root}/${id}${query}`)).body;
const standing = (id: string, what: string, enough: (execution: Execution) => boolean): Promise<Execution> =>
  until(
    async () => {
      const found = await detail(id);
      return enough(found) && found;
    },
    { what: `${what} of ${id}` },
  );
const end = (id: string) => standing(id, 'the end', ended);

describe('An Execution is a single run of a workflow', () => {
  it('tracks status, timing, per-node results, and input/output: every member of its type, and no other', async () => {
    const { id } = await trigger('doubling', { n: 21 });
    const last = await end(id);
    const { version } = (await product.call('GET', `/api/v1/executions/${id}`)).body;
    for (let at = 1; at <= version; at++) {
      const one = await detail(id, `?at_version=${at}`);
      expect(misfits(one, page)).toEqual([]);
      expect(words).toContain(one.status);
      for (const result of Object.values(one.nodeResults)) expect(misfits(result, nodeResult)).toEqual([]);
    }
    expect(last).toMatchObject({ id, workflowId: ids.doubling, status: 'completed', triggeredBy: 'manual', input: { n: 21 }, output: { doubled: 42 }, error: null });
    expect(last.nodeResults).toMatchObject({ double: { status: 'completed', output: 42, error: null }, say: { status: 'completed', output: { doubled: 42 } } });
    expect(last.finishedAt).toBe(last.completedAt);
    expect(last.durationMs).toBe(Date.parse(last.finishedAt) - Date.parse(last.startedAt));
    expect(last.nodeResults.say.durationMs).toBe(Date.parse(last.nodeResults.say.finishedAt) - Date.parse(last.nodeResults.say.startedAt));
  });
});

describe('Status', () => {
  it('is queued while it waits to be picked up, then running, then completed', async () => {
    const { id } = await trigger('doubling', { n: 1 });
    await end(id);
    const { version } = (await product.call('GET', `/api/v1/executions/${id}`)).body;
    const said = await Promise.all(Array.from({ length: version }, async (_, at) => (await detail(id, `?at_version=${at + 1}`)).status));
    expect(said.filter((word, at) => word !== said[at - 1])).toEqual(['queued', 'running', 'completed']);
    expect((await detail(id, '?at_version=1')).nodeResults.say).toEqual({ status: 'pending', output: null, error: null, startedAt: null, finishedAt: null, durationMs: null });
  });

  it('is suspended while it is paused at an approval gate or an ask-human node', async () => {
    for (const [workflow, node] of [
      ['asking', 'ask'],
      ['questioning', 'wonder'],
    ] as const) {
      const { id } = await trigger(workflow, { total: 1 });
      const one = await standing(id, 'the gate', ({ status }) => status === 'suspended');
      expect(one.nodeResults[node]).toMatchObject({ status: 'suspended', finishedAt: null });
      expect(one.nodeResults.pass.status).toBe('pending');
    }
  });

  it('is failed when it stopped due to an error', async () => {
    const one = await end((await trigger('failing')).id);
    expect(one).toMatchObject({ status: 'failed', error: expect.stringContaining('no more paper'), output: null });
    expect(one.nodeResults.fail).toMatchObject({ status: 'failed', error: expect.stringContaining('no more paper'), finishedAt: expect.any(String) });
  });

  it('is cancelled when it was manually cancelled', async () => {
    const { id } = await trigger('asking');
    await pods('DELETE', `${root}/${id}`);
    expect(await end(id)).toMatchObject({ status: 'cancelled', error: null });
    expect((await detail(id)).nodeResults.ask.status).toBe('cancelled');
  });

  it('of a node in a delay is running', async () => {
    const { id } = await trigger('lasting');
    expect(await standing(id, 'the delay', ({ nodeResults }) => nodeResults.rest.status === 'running')).toMatchObject({
      status: 'running',
      nodeResults: { end: { status: 'pending' } },
    });
    await pods('DELETE', `${root}/${id}`);
  });
});

describe('POST /workspaces/:wId/pods/:podId/executions', () => {
  it('triggers a new execution', async () => {
    const { status, headers, body } = await pods('POST', root, { workflowId: 'doubling', input: { n: 2 }, colour: 'red' });
    expect([status, headers.get('location'), misfits(body, page)]).toEqual([201, `${root}/${body.id}`, []]);
  });

  it('is for editors and up', async () => {
    expect(await viewer('POST', root, { workflowId: 'asking' })).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
  });

  it('names what is wrong', async () => {
    expect(await pods('POST', root, {})).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/workflowId' }], error: { code: 'invalid_body', details: { errors: [{ pointer: '/workflowId' }] } } },
    });
    expect(await pods('POST', root, { workflowId: 'nowhere' })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/workflowId' }] } });
    expect(await pods('POST', root, { workflowId: 'doubling', input: {} })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '/input/n' }], error: { message: expect.any(String) } },
    });
  });
});

describe('GET /workspaces/:wId/pods/:podId/executions', () => {
  it('lists executions: the bare rows, newest first', async () => {
    await trigger('doubling', { n: 1 });
    const newest = await trigger('doubling', { n: 2 });
    // Lists may lag; whoever has read an execution finds it in them.
    await detail(newest.id);
    const { status, body } = await pods('GET', root);
    expect([status, Array.isArray(body), body[0].id]).toEqual([200, true, newest.id]);
    for (const one of body) expect(misfits(one, page)).toEqual([]);
  });

  it('filters by ?status= and ?workflowId=', async () => {
    await end((await trigger('failing')).id);
    for (const word of ['completed', 'failed', 'suspended', 'cancelled']) {
      const { body } = await pods('GET', `${root}?status=${word}`);
      expect(body.length).toBeGreaterThan(0);
      expect(new Set(body.map(({ status }: Execution) => status))).toEqual(new Set([word]));
    }
    const { body } = await pods('GET', `${root}?workflowId=${ids.failing}&unknown=1`);
    expect(new Set(body.map(({ workflowId }: Execution) => workflowId))).toEqual(new Set([ids.failing]));
    expect((await pods('GET', `${root}?status=pending`)).status).toBe(400);
  });

  it('has a Link to what follows', async () => {
    const all = (await pods('GET', `${root}?limit=6`)).body.map(({ id }: Execution) => id);
    const seen: string[] = [];
    for (let next: string | undefined = `${product.url}${root}?limit=2`, at = 0; next && at < 3; at++) {
      const answer = await fetch(next, { headers: { 'X-API-Key': product.dialectKey } });
      seen.push(...((await answer.json()) as Execution[]).map(({ id }) => id));
      next = /^<([^>]+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
    }
    expect(seen).toEqual(all);
    expect((await pods('GET', `${root}?workflowId=${ids.failing}&limit=100`)).headers.get('link')).toBeNull();
  });
});

describe('The path', () => {
  it('takes workspace and pod by id, slug or KSUID, also under /v1', async () => {
    const { id, workspaceId, podId } = await trigger('asking');
    const agents = (await product.call('GET', `/api/v1/executions/${id}?dialect=agents`)).body.data;
    for (const [workspace, pod] of [
      ['default', 'default'],
      [workspaceId, podId],
      [agents.workspace_id, podId],
    ])
      for (const prefix of ['', '/v1']) expect((await pods('GET', `${prefix}/workspaces/${workspace}/pods/${pod}/executions/${id}`)).status).toBe(200);
    expect((await pods('GET', `/v1/workspaces/${workspaceId}/pods/${podId}/executions`)).status).toBe(200);
  });

  it('of another workspace or pod is 404, whatever the rest', async () => {
    const { id } = await trigger('asking');
    for (const path of ['/workspaces/elsewhere/pods/default', '/workspaces/default/pods/elsewhere', '/workspaces/default/pods/0199b7a3-b994-7588-82bf-549a3600bc27'])
      for (const [method, rest] of [
        ['GET', ''],
        ['POST', ''],
        ['GET', `/${id}`],
        ['GET', `/${id}/logs`],
        ['GET', `/${id}/events`],
        ['PATCH', `/${id}/respond`],
        ['POST', `/${id}/replay`],
        ['DELETE', `/${id}`],
      ] as const)
        expect((await pods(method, `${path}/executions${rest}`, method === 'GET' || method === 'DELETE' ? undefined : { workflowId: 'asking', approved: true })).status).toBe(404);
    expect(await pods('GET', `${root}/0199b7a3-b994-7588-82bf-549a3600bc27`)).toMatchObject({
      status: 404,
      body: { error: { code: 'execution_not_found', message: expect.any(String), details: {} } },
    });
  });

  it('needs a key', async () => {
    const answer = await fetch(`${product.url}${root}`);
    expect([answer.status, (await answer.json()) as Execution]).toEqual([401, expect.objectContaining({ error: expect.objectContaining({ code: 'unauthenticated' }) })]);
  });
});

describe('GET .../:id/logs', () => {
  it('gets structured node logs: a bare array, oldest first', async () => {
    const { id } = await trigger('doubling', { n: 21 });
    await end(id);
    const lines = await until(
      async () => {
        const { body } = await pods('GET', `${root}/${id}/logs`);
        return body.some(({ message }: Execution) => message === 'doubled 42') && body;
      },
      { what: 'the line' },
    );
    for (const line of lines)
      expect(misfits(line, { seq: 'integer', at: 'timestamp', level: 'string', nodeId: 'string | null', attempt: 'integer | null', message: 'string', fields: 'any' })).toEqual([]);
    expect(lines.map(({ seq }: Execution) => seq)).toEqual(lines.map(({ seq }: Execution) => seq).sort((a: number, b: number) => a - b));
    expect(lines.find(({ message }: Execution) => message === 'doubled 42')).toMatchObject({ nodeId: 'say', level: 'info', attempt: 1 });
    expect((await pods('GET', `${root}/${id}/logs?nodeId=double`)).body).toEqual([]);
    const first = await pods('GET', `${root}/${id}/logs?limit=1`);
    expect(first.body).toEqual(lines.slice(0, 1));
    expect(first.headers.get('link')).toMatch(new RegExp(`^<http.*after=${lines[0].seq}>; rel="next"$`));
  });
});

describe('GET .../:id/events', () => {
  const updates = (frames: readonly { data: Execution }[], nodeId: string) =>
    frames.filter(({ data }) => data.type === 'node_update' && data.nodeId === nodeId).map(({ data }) => data.status);

  it('streams node updates from the first to the last, whatever Accept says', async () => {
    const { id } = await trigger('doubling', { n: 21 });
    await end(id);
    for (const accept of ['text/event-stream', 'application/json', '*/*']) {
      const { status, headers, text, frames } = await connect(product, `${root}/${id}/events`, { accept });
      expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([200, expect.stringContaining('text/event-stream'), 'no-cache, no-transform']);
      expect(text).toMatch(/^retry: 1000\n\n/);
      expect(text).not.toMatch(/^event:/m);
      expect(text).not.toContain('\r');
      expect(updates(frames, 'say')).toEqual(['pending', 'running', 'completed']);
      expect(frames.at(0)?.data).toEqual({ type: 'execution_status', status: 'queued' });
      expect(frames.at(-1)?.data).toEqual({ type: 'execution_complete', status: 'completed', output: { doubled: 42 } });
      expect(frames.find(({ data }) => data.nodeId === 'say' && data.status === 'completed')?.data).toEqual({
        type: 'node_update',
        nodeId: 'say',
        status: 'completed',
        output: { doubled: 42 },
        durationMs: expect.any(Number),
      });
      for (const frame of frames) expect(frame.id).toMatch(/^\d+(\.\d+)?$/);
    }
  });

  it('says why an execution is suspended, failed or cancelled', async () => {
    const [approving, asked, broken, gone] = await Promise.all([trigger('asking', { total: 3 }), trigger('questioning'), trigger('failing'), trigger('asking')]);
    for (const { id } of [approving, asked, gone]) await standing(id, 'the gate', ({ status }) => status === 'suspended');
    await pods('DELETE', `${root}/${gone.id}`);
    await end(broken.id);
    const said = async ({ id }: Execution) => (await connect(product, `${root}/${id}/events`)).frames.map(({ data }) => data);
    const [ofApproving, ofAsked, ofBroken, ofGone] = await Promise.all([approving, asked, broken, gone].map(said));
    expect(ofApproving).toContainEqual({ type: 'execution_suspended', interrupt: { type: 'approval', nodeId: 'ask', message: 'Pay 3?' } });
    expect(ofAsked).toContainEqual({ type: 'execution_suspended', interrupt: { type: 'ask_human', nodeId: 'wonder', question: 'Which colour?' } });
    expect(ofBroken?.at(-1)).toEqual({ type: 'execution_failed', error: expect.stringContaining('no more paper') });
    expect(ofBroken).toContainEqual({ type: 'node_update', nodeId: 'fail', status: 'failed', error: expect.stringContaining('no more paper'), durationMs: expect.any(Number) });
    expect(ofGone?.at(-1)).toEqual({ type: 'execution_status', status: 'cancelled' });
  });

  it('closes automatically after the longest time, and a client that reconnects sees everything once', async () => {
    const { id } = await trigger('both');
    await standing(id, 'both gates', ({ status }) => status === 'suspended');
    const first = await connect(product, `${root}/${id}/events`);
    expect(first.frames.at(-1)).toEqual({ id: undefined, data: { type: 'reconnect' } });
    expect(first.frames.filter(({ data }) => data.type === 'execution_suspended').map(({ data }) => data.interrupt.nodeId)).toEqual(['pay', 'which']);
    const following = follow(product, `${root}/${id}/events`);
    expect((await pods('PATCH', `${root}/${id}/respond`, { approved: true, nodeId: 'pay' })).status).toBe(200);
    expect((await pods('PATCH', `${root}/${id}/respond`, { answer: 'the red one', nodeId: 'which' })).status).toBe(200);
    const { frames } = await following;
    const whole = (await connect(product, `${root}/${id}/events`)).frames;
    expect(frames.filter(({ data }) => data.type !== 'reconnect')).toEqual(whole);
  });

  it('goes on after any frame, and is 204 after the last', async () => {
    const { id } = await trigger('both');
    await standing(id, 'both gates', ({ status }) => status === 'suspended');
    await pods('PATCH', `${root}/${id}/respond`, { approved: true, nodeId: 'pay' });
    await pods('PATCH', `${root}/${id}/respond`, { answer: 'any', nodeId: 'which' });
    await end(id);
    const whole = (await connect(product, `${root}/${id}/events`)).frames;
    expect(whole.filter(({ id: frame }) => frame?.includes('.')).length).toBeGreaterThan(0);
    for (const [at, frame] of whole.entries()) {
      const rest = await connect(product, `${root}/${id}/events`, { 'Last-Event-ID': frame.id ?? '' });
      expect([rest.status, rest.frames]).toEqual(at === whole.length - 1 ? [204, []] : [200, whole.slice(at + 1)]);
    }
    expect((await connect(product, `${root}/${id}/events`, { 'Last-Event-ID': 'yesterday' })).status).toBe(400);
  });
});

describe('PATCH .../:id/respond', () => {
  it('resumes a suspended execution with an approval, its reason and its data', async () => {
    const [one, more] = [await trigger('asking'), await trigger('asking_more')];
    const { status, body } = await pods('PATCH', `${root}/${one.id}/respond`, { approved: true, reason: 'looks right', data: { sum: 1 }, extra: 1 });
    expect([status, misfits(body, page)]).toEqual([200, []]);
    expect((await end(one.id)).nodeResults.ask.output).toMatchObject({ decision: 'approve', comment: 'looks right', answer: null });
    expect(await pods('PATCH', `${root}/${more.id}/respond`, { approved: true, data: { sum: 'much' } })).toMatchObject({
      status: 422,
      body: { error: { code: 'answer_invalid' } },
    });
    expect((await pods('PATCH', `${root}/${more.id}/respond`, { approved: true, comment: 'fine', data: { sum: 12 } })).status).toBe(200);
    expect((await end(more.id)).output).toEqual({ sum: 12 });
  });

  it('or rejects it: failed, and the error says so', async () => {
    const { id } = await trigger('asking');
    expect((await pods('PATCH', `${root}/${id}/respond`, { approved: false, reason: 'too dear' })).status).toBe(200);
    expect(await end(id)).toMatchObject({ status: 'failed', error: expect.stringMatching(/rejected.*too dear/i) });
  });

  it('answers what an ask-human node asked', async () => {
    const { id } = await trigger('questioning');
    expect(await pods('PATCH', `${root}/${id}/respond`, {})).toMatchObject({ status: 422 });
    expect((await pods('PATCH', `${root}/${id}/respond`, { answer: 'green', nodeId: 'wonder' })).status).toBe(200);
    expect((await end(id)).output).toBe('green');
  });

  it('needs the node where several are open, and is 409 where none is, or it was answered', async () => {
    const both = await trigger('both');
    await standing(both.id, 'both gates', ({ status }) => status === 'suspended');
    expect(await pods('PATCH', `${root}/${both.id}/respond`, { approved: true })).toMatchObject({ status: 409, body: { error: { code: 'gate_ambiguous' } } });
    const one = await trigger('asking');
    await pods('PATCH', `${root}/${one.id}/respond`, { approved: true });
    expect(await pods('PATCH', `${root}/${one.id}/respond`, { approved: false })).toMatchObject({
      status: 409,
      body: { error: { code: 'gate_decided', details: { state: { accepted: { decision: 'approve' } } } } },
    });
    const none = await trigger('lasting');
    expect((await pods('PATCH', `${root}/${none.id}/respond`, { approved: true })).status).toBe(409);
    await pods('DELETE', `${root}/${none.id}`);
    expect(await pods('PATCH', `${root}/${both.id}/respond`, { approved: 'yes', nodeId: 'pay' })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/approved' }] } });
    expect((await viewer('PATCH', `${root}/${both.id}/respond`, { approved: true, nodeId: 'pay' })).status).toBe(403);
  });

  it('with the same Idempotency-Key is the same answer', async () => {
    const { id } = await trigger('asking');
    const say = () => pods('PATCH', `${root}/${id}/respond`, { approved: true, data: 1 }, { 'Idempotency-Key': `answer-${id}` });
    const [first, second] = [await say(), await say()];
    expect([first.status, second.status, second.body]).toEqual([200, 200, first.body]);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
  });
});

describe('POST .../:id/replay', () => {
  it('re-runs a completed, failed, or cancelled execution', async () => {
    const [done, broken, gone] = [await trigger('doubling', { n: 4 }), await trigger('failing'), await trigger('asking', { total: 9 })];
    await pods('DELETE', `${root}/${gone.id}`);
    for (const { id } of [done, broken, gone]) {
      const source = await end(id);
      const { status, headers, body } = await pods('POST', `${root}/${id}/replay`);
      expect([status, headers.get('location'), misfits(body, page)]).toEqual([201, `${root}/${body.id}`, []]);
      expect(body).toMatchObject({ input: source.input, workflowId: source.workflowId, triggeredBy: 'replay' });
      expect(body.id).not.toBe(id);
    }
  });

  it('from the beginning with the original input when fromNodeId is omitted, else from that node', async () => {
    const { id } = await trigger('doubling', { n: 4 });
    await end(id);
    const [again, from, other] = [
      await pods('POST', `${root}/${id}/replay`, {}),
      await pods('POST', `${root}/${id}/replay`, { fromNodeId: 'say' }),
      await pods('POST', `${root}/${id}/replay`, { input: { n: 5 } }),
    ];
    expect([again.status, from.status, other.status]).toEqual([201, 201, 201]);
    expect((await end(again.body.id)).output).toEqual({ doubled: 8 });
    expect((await end(other.body.id)).output).toEqual({ doubled: 10 });
    const replayed = await end(from.body.id);
    expect(replayed.nodeResults).toMatchObject({ double: { status: 'completed', output: 8, durationMs: null }, say: { status: 'completed', output: { doubled: 8 } } });
    expect((await product.call('GET', `/api/v1/executions/${replayed.id}/nodes/double`)).body.reused_from).toBe(id);
  });

  it('is 409 of one that is under way, and 422 from a node that is not there', async () => {
    const live = await trigger('asking');
    expect((await pods('POST', `${root}/${live.id}/replay`)).status).toBe(409);
    const { id } = await trigger('doubling', { n: 4 });
    await end(id);
    expect(await pods('POST', `${root}/${id}/replay`, { fromNodeId: 'nope' })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/fromNodeId' }] } });
    expect((await viewer('POST', `${root}/${id}/replay`)).status).toBe(403);
  });
});

describe('DELETE .../:id', () => {
  it('cancels at once what is not running, again the same, and not what has ended', async () => {
    const { id } = await trigger('asking');
    await standing(id, 'the gate', ({ status }) => status === 'suspended');
    const first = await pods('DELETE', `${root}/${id}`);
    expect([first.status, misfits(first.body, page), first.body.status]).toEqual([200, [], 'cancelled']);
    expect((await pods('DELETE', `${root}/${id}`)).status).toBe(200);
    const done = await trigger('doubling', { n: 1 });
    await end(done.id);
    expect(await pods('DELETE', `${root}/${done.id}`)).toMatchObject({ status: 409, body: { error: { code: expect.any(String) } } });
  });

  it('once it is running asks for it, best-effort', async () => {
    const { id } = await trigger('looping');
    await standing(id, 'the loop', ({ nodeResults }) => nodeResults.loop.status === 'running');
    expect((await pods('DELETE', `${root}/${id}`)).status).toBe(202);
    expect(await end(id)).toMatchObject({ status: 'cancelled', nodeResults: { loop: { status: 'cancelled' } } });
  });

  it('is for editors and up', async () => {
    const { id } = await trigger('asking');
    expect((await viewer('DELETE', `${root}/${id}`)).status).toBe(403);
    expect((await viewer('GET', `${root}/${id}`)).status).toBe(200);
  });
});

describe('for later', () => {
  it.todo('dashboard: "Open any workflow and click Run in the preview panel. Results stream live."');
  it.todo('hooks: "Executions can be triggered automatically" by webhook, triggeredBy says so');
  it.todo('schedules: "Executions can be triggered automatically" by schedule, triggeredBy says so');
});

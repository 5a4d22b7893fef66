import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { settingNames } from '@runlog/platform';
import { kinds } from '@runlog/workflow';
import { type ScriptedModel, startModel } from '../models/start-model.mjs';
import { bash, documentsIn, examplesOf, snippetsOf } from './snippets.js';
import { caller, type Running, startStandalone } from './standalone.js';
import { until } from './until.js';

jest.setTimeout(60_000);

let folder: string;
let runlog: Running;
let key: string;
let call: Running['call'];
let server: Server;
let model: ScriptedModel;

/** As a reader has it: a folder with `.runlog` in it, a key that Runlog made. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runlog-steps-'));
  runlog = await startStandalone({ home: join(folder, '.runlog'), env: { RUNLOG_ADMIN_KEY: '' } });
  key = (await readFile(join(runlog.home, 'admin-key'), 'utf8')).trim();
  call = caller(runlog.url, key);
  model = await startModel();
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ echo: text ? JSON.parse(text) : null }));
  }).listen(0, '127.0.0.1');
}, 90_000);

afterAll(async () => {
  server?.close();
  await runlog?.discard();
  await model?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** Runs the snippets of a page one after the other, only ports being others. */
const runner = async (page: string, places: Readonly<Record<string, string>> = {}) => {
  const snippets = await snippetsOf(page);
  const env: Record<string, string> = page === 'README.md' ? {} : { RUNLOG_URL: runlog.url, RUNLOG_API_KEY: key };
  const done = new Set<string>();
  const run = async (name: string): Promise<string> => {
    const text = snippets.get(name);
    if (text === undefined) throw new Error(`Expected a snippet '${name}' in ${page}, but there are ${[...snippets.keys()].join(', ')}`);
    done.add(name);
    const placed = Object.entries(places).reduce((written, [from, to]) => written.replaceAll(from, to), text);
    const printed = await bash(placed.replaceAll('http://127.0.0.1:4000', runlog.url), { cwd: folder, env });
    Object.assign(env, { RUNLOG_URL: runlog.url, RUNLOG_API_KEY: key });
    return printed;
  };
  return { run, documents: async (name: string) => documentsIn(await run(name)), left: () => [...snippets.keys()].filter((name) => !done.has(name)) };
};

describe('what the terminal shows', () => {
  it('is a line to paste that runs a workflow', async () => {
    const [line] = runlog.output().match(/curl -s .*/) ?? [];
    const [execution] = documentsIn(await bash(line as string, { cwd: folder, env: {} }));
    expect(execution).toMatchObject({ key: 'hello_1', status: 'completed', output: 'Hello ADA!' });
  });
});

describe('README.md', () => {
  it('works as written', async () => {
    const { documents, left } = await runner('README.md');
    expect(await documents('first-workflow')).toMatchObject([{ object: 'workflow', key: 'greeting', version: 1 }]);
    expect(await documents('first-execution')).toMatchObject([{ key: 'greeting_1', status: 'awaiting_approval', gates: [{ prompt: 'Greet ADA?' }] }]);
    const [answered, read, history] = await documents('first-answer');
    expect(answered).toMatchObject({ status: 'completed' });
    expect(read).toMatchObject({ status: 'completed', output: 'Hello ADA' });
    expect(history.data.at(-1)).toMatchObject({ type: 'ExecutionCompleted', version: read.version });
    expect(left()).toEqual([]);
  });
});

describe('docs/api.md', () => {
  it('works as written', async () => {
    const { run, documents, left } = await runner('docs/api.md');
    expect(await documents('workflow')).toMatchObject([{ key: 'payout' }]);
    expect(await documents('key')).toMatchObject([{ object: 'api_key', role: 'editor', key: expect.any(String) }]);
    expect(await documents('create')).toMatchObject([{ key: 'payout_1', status: 'awaiting_approval', metadata: { customer: 'c1' }, tags: ['march'] }]);
    expect(await documents('create')).toMatchObject([{ key: 'payout_1' }]);
    const [whole, part, why] = await documents('get');
    expect(whole.created_at).toMatch(/\+0[12]:00$/);
    expect(Object.keys(part).sort()).toEqual(['gates', 'status', 'version']);
    expect(why).toMatchObject({ causes: [{ kind: 'gate', node_id: 'ask' }] });
    expect(await documents('respond')).toMatchObject([{ gates: [] }]);
    await until(async () => (await call('GET', '/api/v1/executions/payout_1')).body.status === 'completed', { what: 'payout_1 to complete' });
    const [, cancelled] = await documents('cancel');
    expect(cancelled).toMatchObject({ key: 'payout_2', status: 'cancelled', status_reason: 'not needed' });
    const [list] = await documents('list');
    expect(list.data).toEqual([{ key: 'payout_1', status: 'completed' }]);
    const [batch] = await documents('batch');
    expect(batch.data).toMatchObject([
      { index: 0, status: 201, id: expect.any(String) },
      { index: 1, status: 422, problem: { code: 'invalid_input' } },
    ]);
    const [used] = await documents('usage');
    expect(new Set(used.data.map((row: { workflow_id: string }) => row.workflow_id))).toEqual(new Set([whole.workflow_id]));
    expect(used.data.reduce((sum: number, row: { completed: number }) => sum + row.completed, 0)).toBe(1);
    const stream = await run('stream');
    expect(stream).toMatch(/^retry: 1000\n\nid: 1\nevent: ExecutionCreated\ndata: /);
    expect(stream).toMatch(/event: done\ndata: \{"status":"completed","version":\d+\}\n\n$/);
    const nodes = await until(
      async () => {
        const lines = documentsIn(await run('logs'));
        return lines.some(({ message }) => message === 'paying 40') && new Set(lines.map(({ node_id }) => node_id));
      },
      { what: "the code's line" },
    );
    expect(nodes).toEqual(new Set(['pay']));
    expect(await documents('problem')).toMatchObject([{ status: 422, code: 'invalid_input', errors: [{ pointer: '/input/amount' }] }]);
    expect(left()).toEqual([]);
  });
});

describe('docs/effects.md', () => {
  it('works as written', async () => {
    const asked: unknown[] = [];
    const bank = createServer((request) => void request.resume().on('end', () => asked.push(request.url) && request.socket.destroy())).unref();
    await new Promise<void>((listening) => bank.listen(0, '127.0.0.1', listening));
    const { port } = bank.address() as { port: number };
    const { documents, left } = await runner('docs/effects.md', { 'http://127.0.0.1:4999': `http://127.0.0.1:${port}` });
    expect(await documents('workflow')).toMatchObject([{ key: 'payment' }]);
    expect(await documents('create')).toMatchObject([{ key: 'payment_1', status: 'suspended', status_reason: 'effect_unknown', gates: [{ id: 'pay.1', kind: 'effect' }] }]);
    // Lists may lag behind what an answer has shown already.
    await until(async () => (await documents('inbox'))[0].data.length > 0, { what: 'the gate to be in the inbox' });
    expect(await documents('inbox')).toMatchObject([{ data: [{ id: 'pay.1', execution_key: 'payment_1' }] }]);
    const [answered] = await documents('done');
    expect(answered).toMatchObject({ status: 'completed', output: 'Thanks for 40' });
    const [retried, node] = await documents('retry');
    expect(retried).toMatchObject({ key: 'payment_2', status: 'completed', output: 'Thanks for 40' });
    expect(node).toMatchObject({ reused_from: answered.id, effect: { standing: 'recorded', idempotency_key: `${answered.id}:pay` } });
    expect(asked).toEqual(['/payments']);
    expect(left()).toEqual([]);
    bank.close();
  });
});

describe('docs/large-bodies.md', () => {
  it('works as written', async () => {
    const { run: fetched, documents, left } = await runner('docs/large-bodies.md');
    expect(await documents('workflow')).toMatchObject([{ key: 'export' }]);
    const [run, list, artifacts] = await documents('run');
    expect(run).toMatchObject({ status: 'completed', output_url: expect.stringMatching(/\/artifacts\/output\.json$/) });
    expect(list.object).toBe('list');
    const listed = async () => (await call('GET', '/api/v1/executions?fields=key,output,output_ref&limit=1')).body.data;
    await until(async () => (await listed())[0]?.output_ref, { what: 'the list to show the end of export_1' });
    expect(await listed()).toMatchObject([{ key: 'export_1', output: null, output_ref: { name: 'output.json', media_type: 'application/json' } }]);
    expect(artifacts.data.map(({ name }: { name: string }) => name).sort()).toEqual(['nodes.even.json', 'nodes.rows.json', 'output.json']);
    const printed = await fetched('fetch');
    const end = printed.lastIndexOf(']') + 1;
    expect(JSON.parse(printed.slice(0, end))).toHaveLength(10_000);
    expect(printed.slice(end).trim()).toBe('[{"i":0,"text":"row 0"}');
    expect(left()).toEqual([]);
  });
});

describe('docs/explain.md', () => {
  it('works as written', async () => {
    const { run, documents, left } = await runner('docs/explain.md', { 'deploy/local/': `${resolve('deploy/local')}/` });
    expect(await documents('workflow')).toMatchObject([{ key: 'invoice' }, { key: 'invoice_1', status: 'awaiting_approval' }]);
    const unblock = [{ by: 'editor and up' }, { by: 'scheduler' }];
    expect(await documents('why')).toMatchObject([{ object: 'why', causes: [{ kind: 'gate', node_id: 'check', until: expect.any(String), unblock }] }]);
    expect(await documents('then')).toEqual([{ status: 'running', version: 3 }]);
    const [answered, replayed, diff] = await documents('diff');
    expect([answered.output, replayed.status]).toEqual([{ billed: 160 }, 'awaiting_approval']);
    expect(diff).toMatchObject({ a: answered.id, b: replayed.id, first_divergence: { node_id: 'start_of_workflow', field: 'input', a: { hours: 2 }, b: { hours: 3 } } });
    expect(diff.nodes).toContainEqual(expect.objectContaining({ node_id: 'bill', status: { a: 'completed', b: 'idle' }, output_equal: false }));
    expect(await run('proof')).toMatch(new RegExp(`^\\d+ events of ${answered.id} are as recorded`));
    expect(left()).toEqual([]);
  });
});

describe('docs/traces.md', () => {
  it('works as written', async () => {
    const { documents, left } = await runner('docs/traces.md');
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    expect(await documents('workflow')).toMatchObject([{ key: 'quote' }, { key: 'quote_1', status: 'awaiting_approval', trace_id: trace }]);
    const [tree] = await documents('tree');
    expect(tree).toMatchObject({ object: 'trace', trace_id: trace, root: { name: 'execution quote', parent_span_id: '00f067aa0ba902b7', end_at: null } });
    expect(tree.root.children.map(({ name }: { name: string }) => name)).toEqual(['node price', 'node agree', 'suspended']);
    const [otlp] = await documents('otlp');
    expect(otlp.resourceSpans[0].scopeSpans[0].spans).toMatchObject([{ traceId: trace, name: 'node price' }]);
    expect(left()).toEqual([]);
  });
});

describe('docs/dialects.md', () => {
  it('works as written', async () => {
    const { run, documents, left } = await runner('docs/dialects.md');
    expect(await documents('key')).toMatchObject([{ object: 'api_key', dialect: 'agents', key: expect.any(String) }]);
    const [canonical, kinetic, pods, agents, workerRuns, actionGraph] = await documents('ways');
    expect(canonical).toMatchObject({ status: 'completed', output: expect.stringMatching(/^Hello/) });
    expect(kinetic).toMatchObject({ executionId: kinetic.id, status: 'completed', output_url: expect.stringMatching(/^http/), logs: expect.any(Array) });
    expect(pods).toMatchObject({ id: kinetic.id, nodeResults: { greet: { status: 'completed' } } });
    expect(agents).toMatchObject({ data: { id: expect.stringMatching(/^[0-9A-Za-z]{27}$/), output: { response: pods.output } } });
    expect(workerRuns).toMatchObject({ id: kinetic.id, result: pods.output });
    expect(Object.keys(workerRuns)).toHaveLength(24);
    expect(actionGraph).toMatchObject({ id: kinetic.id, object: 'execution', created_at_string: expect.stringMatching(/E[SD]T$/) });
    expect(Object.keys(actionGraph)).toHaveLength(19);
    const [asked, answered] = await documents('pods');
    expect(asked).toMatchObject({ triggeredBy: 'manual', nodeResults: { ask: expect.any(Object) } });
    expect(answered).toMatchObject({ id: asked.id, nodeResults: { ask: { status: 'completed', output: { decision: 'approve', comment: 'agreed' } } } });
    const stream = await run('events');
    expect(stream).toContain('data: {"type":"execution_suspended","interrupt":{"type":"approval","nodeId":"ask","message":"Pay 200 for an unnamed reason?"}}\n\n');
    expect(stream).toMatch(/data: \{"type":"execution_complete","status":"completed","output":\{"paid":200\}\}\n\n$/);
    expect(left()).toEqual([]);
  });
});

describe('docs/people.md', () => {
  it('works as written', async () => {
    const { documents, left } = await runner('docs/people.md');
    const [user, run, refused] = await documents('user');
    expect(user).toMatchObject({ object: 'user', email: 'ada@example.com' });
    expect(run).toEqual({ status: 'completed', user_id: user.id });
    expect(refused).toMatchObject({ status: 403, code: 'forbidden' });
    const [pod, inPod, list] = await documents('pod');
    expect(inPod).toEqual({ status: 'completed', pod_id: pod.id });
    expect(list.data.every((row: { pod_id: string }) => row.pod_id === pod.id)).toBe(true);
    const [workspaces, foreign] = await documents('workspace');
    expect(workspaces.data).toMatchObject([{ slug: 'acme', timezone: 'Europe/Berlin' }]);
    expect(foreign).toMatchObject({ status: 404, code: 'execution_not_found' });
    const [audit, events] = await documents('audit');
    expect(audit.data).toMatchObject([{ action: 'createWorkspace', status: 201 }]);
    expect(events.data).toMatchObject([{ type: 'ExecutionCreated', data: { created_by: audit.data[0].actor } }]);
    expect(await documents('revoke')).toMatchObject([{ status: 401 }]);
    expect(left()).toEqual([]);
  });
});

describe('docs/operations.md', () => {
  it('works as written', async () => {
    const { run, documents, left } = await runner('docs/operations.md');
    const health = await run('health');
    expect(health).toContain('{"status":"up"');
    const page = await readFile('docs/operations.md', 'utf8');
    const metrics = new Set(page.match(/runlog_[a-z0-9_]+/g));
    expect([...metrics].filter((name) => !health.includes(`# HELP ${name} `))).toEqual([]);
    const [put, list] = await documents('secret');
    expect(put).toMatchObject({ object: 'secret', name: 'shop_token' });
    expect(JSON.stringify(list)).not.toContain('s3cr3t');
    expect((await call('GET', '/api/v1/secrets')).body.data).toEqual([]);
    expect(left()).toEqual([]);
  });

  it('names every setting, and no other', async () => {
    const page = await readFile('docs/operations.md', 'utf8');
    const named = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual([...settingNames].sort());
  });
});

describe('docs/workflows.md', () => {
  it('has a chapter for every kind of node', async () => {
    const page = await readFile('docs/workflows.md', 'utf8');
    expect([...page.matchAll(/^### (.*)$/gm)].map(([, kind]) => kind).sort()).toEqual([...kinds.keys()].sort());
  });

  it('has examples that can be published and do what it says', async () => {
    const examples = await examplesOf('docs/workflows.md');
    const agent = { key: 'order_support', name: 'Order support', model: { provider: 'openai_compatible', name: 'scripted', base_url: model.baseUrl() } };
    expect((await call('POST', '/api/v1/agents', agent)).status).toBe(201);
    expect(examples.length).toBeGreaterThanOrEqual(kinds.size);
    const { port } = server.address() as { port: number };
    for (const [at, { note, text }] of examples.entries()) {
      const says = JSON.parse(note.replaceAll('$SERVER', `http://127.0.0.1:${port}`));
      const written = JSON.parse(text);
      const node = {
        key: `example_${at}`,
        name: `Example ${at}`,
        nodes: [written],
        edges: [{ from: 'start_of_workflow', to: written.id }],
        ...(says.from ? { output: `nodes.${says.from}` } : {}),
      };
      const published = await call('POST', '/api/v1/workflows', written.type ? node : written);
      expect(published).toMatchObject({ status: 201 });
      let { body } = await call('POST', `/api/v1/workflows/${published.body.key}/executions?wait=50`, { input: says.input });
      if (says.respond) ({ body } = await call('POST', `/api/v1/executions/${body.id}/respond`, says.respond));
      expect({ text, body: { status: body.status, error: body.error } }).toEqual({ text, body: { status: 'completed', error: null } });
      if (says.output !== undefined) expect(body.output).toEqual(typeof says.output === 'object' && 'answer' in says.output ? expect.objectContaining(says.output) : says.output);
    }
  });
});

describe('the sample', () => {
  it('gives the result of an independent computation, and posts it once', async () => {
    const approve = async ({ id, gates }: { id: string; gates: { prompt: string }[] }) => {
      expect(gates[0]?.prompt).toMatch(/^Post the report on \d+ countries of Europe\?$/);
      expect((await call('POST', `/api/v1/executions/${id}/respond`, { decision: 'approve' })).status).toBe(200);
    };
    const { runSample } = await import(pathToFileURL(resolve('deploy/sample/run.mjs')).href);
    const { checks, execution, expected, posted } = await runSample({ url: runlog.url, key, approve });
    expect(checks.output).toBe(true);
    expect(posted.body).toEqual(expected);
    expect(execution).toMatchObject({ status: 'completed', actions_count: 6, completed_actions_count: 6 });
    expect(posted.key).toContain(execution.id);
  });

  it('runs by its command too', async () => {
    const printed = await bash('node deploy/sample/run.mjs --approve', { cwd: resolve('.'), env: { RUNLOG_URL: runlog.url, RUNLOG_API_KEY: key } });
    expect(printed).toContain('The result and what was posted equal an independent computation.');
  });
});

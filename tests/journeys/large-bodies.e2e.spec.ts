import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { flawsOf, historyOf } from './histories.js';
import { fetchRaw, filesIn, rows, startEcho } from './large-bodies.js';
import { type Running, startStandalone } from './standalone.js';
import { until } from './until.js';
import { code, inSequence, publish, question, transform } from './workflows.js';

const TEN_MB = 10_000_000;
const small = 64 * 1024;
/** However slow the machine is. */
const patient = { timeout_ms: 120_000 };
const input = { rows: rows(TEN_MB) };

let runlog: Running;
let echo: Server;

const post = (path: string, body: unknown) => runlog.call('POST', `/api/v1${path}`, body);
const get = (path: string) => runlog.call('GET', `/api/v1${path}`);
const sizeOf = async (path: string) => (await fetchRaw(runlog, `/api/v1${path}`)).bytes.length;

beforeAll(async () => {
  runlog = await startStandalone();
  const { url, server } = await startEcho();
  echo = server;
  const http = { id: 'sent', type: 'http', config: { method: 'POST', url, body: '{{ nodes.mapped }}' } };
  await publish(
    runlog,
    inSequence('wide', [
      code('mapped', 'return input.rows.map(({ id, text }) => ({ id: id + 1, text }));', patient),
      http,
      transform('many', '$count(nodes.sent.body)'),
      code('again', 'return nodes.sent.body;', patient),
      transform('same', 'nodes.again'),
    ]),
  );
  await publish(runlog, inSequence('asks', [question('ask'), transform('size', '$length(nodes.ask.answer)'), transform('answer', 'nodes.ask.answer')]));
  await publish(
    runlog,
    inSequence('makes', [
      code('made', 'return input.seed + "m".repeat(2000000);', patient),
      code('kept', 'return nodes.made + "k";', patient),
      transform('size', '$length(nodes.kept)'),
    ]),
  );
}, 90_000);

afterAll(async () => {
  echo?.close();
  await runlog?.discard();
}, 60_000);

describe('a body of 10 MB', () => {
  let id: string;
  const whole = Buffer.from(JSON.stringify(input.rows.map((row) => ({ ...row, id: row.id + 1 }))));
  const digest = `sha256:${createHash('sha256').update(whole).digest('hex')}`;

  it('passes from the input through code and http nodes to the output', async () => {
    const { status, body } = await post('/workflows/wide/executions?wait=120', { input });
    expect([status, body.status, body.error]).toEqual([200, 'completed', null]);
    id = body.id;
    expect(Buffer.from(JSON.stringify(body.output)).equals(whole)).toBe(true);
    expect(body.execution_data.many).toBe(input.rows.length);
    expect(flawsOf(await historyOf(runlog, id))).toEqual([]);
  }, 150_000);

  it('is whole in the answer about the execution, and referred to in everything else', async () => {
    const { body } = await get(`/executions/${id}?fields=output,output_ref,output_url`);
    expect(Buffer.from(JSON.stringify(body.output)).equals(whole)).toBe(true);
    expect(body.output_ref).toBeNull();
    expect((await get('/executions?limit=1')).body.data).toMatchObject([{ id, output: null, output_ref: { name: 'output.json', digest, bytes: whole.length } }]);
    for (const path of ['/executions', `/executions/${id}/events?limit=1000`, `/executions/${id}/nodes`, `/executions/${id}/proof`, `/executions/${id}?fields=status`])
      expect([path, (await sizeOf(path)) < small]).toEqual([path, true]);
    const events = (await get(`/executions/${id}/events?limit=1000`)).body.data as { type: string; data: { [member: string]: unknown } }[];
    expect(events[0]?.data).toMatchObject({ input: null, input_ref: { bytes: Buffer.byteLength(JSON.stringify(input)), media_type: 'application/json' } });
    expect(events.at(-1)?.data).toEqual({ output: null, output_ref: { digest, bytes: whole.length, media_type: 'application/json' } });
    const stream = await fetchRaw(runlog, `/api/v1/executions/${id}/events`, { headers: { accept: 'text/event-stream' } });
    expect([stream.status, stream.bytes.length < small]).toEqual([200, true]);
    expect((await get(`/executions/${id}/proof`)).body).toMatchObject({ valid: true });
  }, 60_000);

  it('is fetched whole or in part, once for all, by whoever may see the execution', async () => {
    const { output_url } = (await get(`/executions/${id}?fields=output_url`)).body;
    const all = await fetchRaw(runlog, output_url);
    expect([all.status, all.headers.get('content-type'), all.headers.get('etag'), all.bytes.equals(whole)]).toEqual([200, 'application/json', `"${digest}"`, true]);
    const part = await fetchRaw(runlog, output_url, { headers: { range: 'bytes=1000-1999' } });
    expect([part.status, part.headers.get('content-range'), part.bytes.equals(whole.subarray(1000, 2000))]).toEqual([206, `bytes 1000-1999/${whole.length}`, true]);
    const end = await fetchRaw(runlog, output_url, { headers: { range: 'bytes=-10' } });
    expect(end.bytes.equals(whole.subarray(-10))).toBe(true);
    expect((await fetchRaw(runlog, output_url, { headers: { 'if-none-match': `"${digest}"` } })).status).toBe(304);
    expect((await fetchRaw(runlog, output_url, { headers: { range: 'bytes=0-9', 'if-range': '"sha256:other"' } })).bytes.length).toBe(whole.length);
    const none = await fetchRaw(runlog, output_url, { headers: { range: `bytes=${whole.length}-` } });
    expect([none.status, none.headers.get('content-range'), none.headers.get('content-type')]).toEqual([416, `bytes */${whole.length}`, 'application/problem+json; charset=utf-8']);
    const head = await fetchRaw(runlog, output_url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.bytes.length]).toEqual([200, String(whole.length), 0]);
    const { data } = (await get(`/executions/${id}/artifacts`)).body;
    expect(data.map(({ name }: { name: string }) => name).sort()).toEqual([
      'input.json',
      'nodes.again.json',
      'nodes.mapped.json',
      'nodes.same.json',
      'nodes.sent.json',
      'output.json',
    ]);
    expect((await get(`/executions/${id}/artifacts/nodes.many.json`)).body).toBe(input.rows.length);
    expect((await get(`/executions/${id}/artifacts/nope.json`)).status).toBe(404);
    expect((await fetchRaw({ ...runlog, key: 'wrong' }, output_url)).status).toBe(401);
    const other = (await post('/workspaces', { slug: `other-${randomUUID().slice(0, 8)}`, name: 'Other', timezone: 'UTC' })).body.api_key.key;
    for (const path of ['/artifacts', '/artifacts/output.json']) expect((await fetchRaw({ ...runlog, key: other }, `/api/v1/executions/${id}${path}`)).status).toBe(404);
  }, 60_000);

  it('is neither read nor written again by a replay that reuses it', async () => {
    const before = (await filesIn(join(runlog.home, 'artifacts'))).length;
    const { status, body } = await post(`/executions/${id}/replay?wait=60`, { from_node_id: 'again' });
    expect([status, body.status]).toEqual([200, 'completed']);
    expect((await filesIn(join(runlog.home, 'artifacts'))).length).toBe(before);
    const { data } = (await get(`/executions/${body.id}/artifacts`)).body;
    expect(data.find(({ name }: { name: string }) => name === 'output.json')).toMatchObject({ digest });
    const { first_divergence, nodes } = (await get(`/executions/${id}/diff/${body.id}`)).body;
    expect([first_divergence, nodes.every((node: { output_equal: boolean }) => node.output_equal)]).toEqual([null, true]);
  }, 90_000);

  it('is refused clearly where it is larger than it may be', async () => {
    const { status, body } = await post('/workflows/wide/executions', `{"input":{"rows":["${'x'.repeat(17 * 1024 * 1024)}"]}}`);
    expect([status, body.code, body.detail]).toEqual([413, 'body_too_large', expect.stringContaining('at most 16777216 bytes')]);
    expect((await post('/workflows', 'x'.repeat(2_000_000))).status).toBe(413);
  }, 60_000);
});

describe('an answer that is too large for an event', () => {
  it('reaches the expressions that read it, and is not shown in the history', async () => {
    const { id } = (await post('/workflows/asks/executions?wait=50', {})).body;
    const answer = 'é'.repeat(300_000);
    expect((await post(`/executions/${id}/respond`, { answer })).status).toBe(200);
    const ended = await until(async () => ((one) => one.is_terminal && one)((await get(`/executions/${id}`)).body), { what: 'the end' });
    expect([ended.status, ended.execution_data.size, ended.output === answer]).toEqual(['completed', answer.length, true]);
    expect(await sizeOf(`/executions/${id}/events?limit=1000`)).toBeLessThan(small);
    expect((await get(`/executions/${id}/artifacts/gates.ask.1.json`)).body).toBe(answer);
  }, 90_000);
});

describe('a disk without room for large files', () => {
  it('refuses what it cannot keep, says why, and serves everything else', async () => {
    const full = await startStandalone({ env: { RUNLOG_BODY_LIMIT: String(40 * 1024 * 1024) }, fileBlocks: 40_000 });
    try {
      await publish(full, inSequence('echoes', [transform('n', '$length(input.text)')]));
      const create = (length: number) => full.call('POST', '/api/v1/workflows/echoes/executions?wait=50', { input: { text: 'x'.repeat(length) } });
      expect((await create(5)).body).toMatchObject({ status: 'completed', output: 5 });
      const { status, body, headers } = await create(25_000_000);
      expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'artifact_store_full', '10']);
      expect(body.detail).toMatch(/Expected to store 25000011 bytes in '.*artifacts' \(RUNLOG_ARTIFACTS\), but no file may be that large there/);
      expect((await full.call('GET', '/health/ready')).body.checks.artifacts).toMatchObject({ status: 'down' });
      expect(await filesIn(join(full.home, 'artifacts'))).toEqual([]);
      expect((await create(1_000_000)).body).toMatchObject({ status: 'completed', output: 1_000_000 });
      expect((await full.call('GET', '/health/ready')).status).toBe(200);
    } finally {
      await full.discard();
    }
  }, 120_000);
});

describe('kill -9 while bodies are stored', () => {
  const artifacts = () => join(runlog.home, 'artifacts');
  const verify = (): Promise<{ code: number; output: string }> =>
    new Promise((done) =>
      execFile(
        process.execPath,
        [resolve('apps/queries/dist/verify-main.js')],
        { env: { ...process.env, RUNLOG_HOME: runlog.home, DATABASE_URL: '', KAFKA_BROKERS: '' } },
        (error, stdout, stderr) => done({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
      ),
    );

  it('loses nothing, and what no event refers to is gone in the end', async () => {
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 4; n++) ids.push((await post('/workflows/makes/executions', { input: { seed: `${round}/${n} `, pad: 'p'.repeat(100_000 + n) } })).body.id);
      // Whatever is going on by then: some bodies are stored and their events are not recorded.
      await until(async () => (await get(`/executions/${ids.at(-4)}`)).body.status === 'running' || (await get(`/executions/${ids.at(-4)}`)).body.is_terminal, {
        what: 'work',
        everyMs: 20,
      });
      const { home } = runlog;
      await runlog.kill();
      runlog = await startStandalone({ home });
    }
    for (const [at, id] of ids.entries()) {
      const ended = await until(async () => ((one) => one.is_terminal && one)((await get(`/executions/${id}`)).body), { what: `the end of ${id}`, timeoutMs: 120_000 });
      const seed = `${Math.floor(at / 4)}/${at % 4} `;
      expect([ended.error, ended.output]).toEqual([null, 2_000_001 + seed.length]);
      expect(flawsOf(await historyOf(runlog, id))).toEqual([]);
    }
    // As a crash between storing and recording leaves them: a whole body, and a part of one.
    const [workspace = ''] = (await filesIn(artifacts())).map((file) => file.slice(artifacts().length + 1).split('/')[0]);
    const orphan = createHash('sha256').update('orphan').digest('hex');
    const shelf = join(artifacts(), workspace, orphan.slice(0, 2));
    await mkdir(shelf, { recursive: true });
    for (const name of [orphan, `.${randomUUID()}`]) {
      await writeFile(join(shelf, name), 'orphan');
      await utimes(join(shelf, name), 0, 0);
    }
    const { home } = runlog;
    await runlog.stop();
    runlog = await startStandalone({ home, env: { RUNLOG_ARTIFACT_GRACE_SECONDS: '1' } });
    const wanted = new Set<string>();
    for (let after = ''; ; ) {
      const { data, next_cursor, has_more } = (await get(`/executions?limit=100${after}`)).body;
      for (const { id } of data) for (const { digest } of (await get(`/executions/${id}/artifacts`)).body.data) wanted.add(digest.slice('sha256:'.length));
      if (!has_more) break;
      after = `&after=${next_cursor}`;
    }
    const left = async () => (await filesIn(artifacts())).map((file) => basename(file)).sort();
    await until(async () => (await left()).length <= wanted.size, { what: 'nothing but what is referred to', otherwise: async () => `${(await left()).length} of ${wanted.size}` });
    expect(await left()).toEqual([...wanted].sort());
    expect(await verify()).toMatchObject({ code: 0 });
    const lost = (await filesIn(artifacts()))[0] ?? '';
    await rm(lost);
    expect(await verify()).toMatchObject({ code: 1, output: expect.stringContaining(basename(lost)) });
  }, 400_000);
});

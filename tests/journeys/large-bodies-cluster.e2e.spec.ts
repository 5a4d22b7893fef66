import { createHash } from 'node:crypto';
import type { Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startTestCluster } from './clustered.js';
import { flawsOf, historyOf } from './histories.js';
import { fetchRaw, rows, startEcho } from './large-bodies.js';
import { until } from './until.js';
import { code, inSequence, publish, question, transform } from './workflows.js';

let cluster: Cluster;
let echo: Server;

beforeAll(async () => {
  const { url, server } = await startEcho();
  echo = server;
  cluster = await startTestCluster({ RUNLOG_EGRESS_ALLOW: '127.0.0.1', RUNLOG_RATE_LIMIT: '0' });
  await publish(
    cluster.one,
    inSequence('wide', [
      code('mapped', 'return input.rows.map(({ id, text }) => ({ id: id + 1, text }));', { timeout_ms: 120_000 }),
      { id: 'sent', type: 'http', config: { method: 'POST', url, body: '{{ nodes.mapped }}' } },
      question('ask'),
      transform('same', 'nodes.sent.body'),
    ]),
  );
}, 120_000);

afterAll(async () => {
  echo?.close();
  await cluster?.discard();
}, 60_000);

describe('a body of 10 MB in a cluster', () => {
  it('passes over Kafka by reference, through whichever process, also one that died meanwhile, to a reader at another gateway', async () => {
    const { one, other } = cluster;
    const input = { rows: rows(10_000_000) };
    const whole = Buffer.from(JSON.stringify(input.rows.map((row) => ({ ...row, id: row.id + 1 }))));
    const { id } = (await one.call('POST', '/api/v1/workflows/wide/executions', { input })).body;
    const get = async (fields: string) => (await other.call('GET', `/api/v1/executions/${id}?fields=${fields}`)).body;
    await until(async () => (await get('status')).status === 'suspended', { what: 'the question', timeoutMs: 120_000 });
    for (const service of ['commands', 'runner']) for (const member of cluster.members.filter((each) => each.service === service)) member.kill('SIGKILL');
    await until(() => cluster.members.every(({ service, runs }) => !runs || (service !== 'commands' && service !== 'runner')), { what: 'the killed to be gone' });
    for (const member of cluster.members.filter(({ runs }) => !runs)) await member.restart();
    await Promise.all(cluster.members.map((member) => member.ready()));
    const answer = 'é'.repeat(100_000);
    expect((await one.call('POST', `/api/v1/executions/${id}/respond`, { answer })).status).toBe(200);
    await until(async () => (await get('status')).status === 'completed', { what: 'the end', timeoutMs: 120_000 });
    const { output, output_url } = await get('output,output_url');
    expect(Buffer.from(JSON.stringify(output)).equals(whole)).toBe(true);
    const fetched = await fetchRaw(other, output_url);
    expect([fetched.headers.get('etag'), fetched.bytes.equals(whole)]).toEqual([`"sha256:${createHash('sha256').update(whole).digest('hex')}"`, true]);
    expect((await one.call('GET', `/api/v1/executions/${id}/artifacts/gates.ask.1.json`)).body).toBe(answer);
    expect((await fetchRaw(one, `/api/v1/executions/${id}/events?limit=1000`)).bytes.length).toBeLessThan(64 * 1024);
    expect((await one.call('GET', `/api/v1/executions/${id}/proof`)).body).toMatchObject({ valid: true });
    expect(flawsOf(await historyOf(other, id))).toEqual([]);
  }, 400_000);
});

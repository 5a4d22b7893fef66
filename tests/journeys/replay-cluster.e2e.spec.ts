import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startTestCluster } from './clustered.js';
import { flawsOf, historyOf } from './histories.js';
import { until } from './until.js';
import { code, inSequence, publish, transform } from './workflows.js';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ RUNLOG_RATE_LIMIT: '0' });
  await publish(cluster.one, inSequence('sums', [code('a', 'return input.n + 1;'), code('b', 'return nodes.a * 2;'), transform('c', 'nodes.b + nodes.a')]));
  await publish(cluster.one, inSequence('slow', [code('work', 'for (const end = Date.now() + input.ms; Date.now() < end; ); return 1;')]));
}, 240_000);

afterAll(async () => {
  await cluster?.discard();
}, 60_000);

describe('retry and replay on Kafka', () => {
  it('reuses nodes that ran in another partition, over either gateway', async () => {
    const { one, other } = cluster;
    const created = await Promise.all(Array.from({ length: 8 }, (_, n) => one.call('POST', '/api/v1/workflows/sums/executions?wait=60', { input: { n } })));
    const replays = await Promise.all(created.map(({ body }) => other.call('POST', `/api/v1/executions/${body.id}/replay?wait=60`, { from_node_id: 'b' })));
    for (const [n, { status, body }] of replays.entries()) {
      expect([status, body.status, body.output, body.n_steps]).toEqual([200, 'completed', 3 * (n + 1), 2]);
      expect(body.execution_data.a).toBe(n + 1);
      expect(flawsOf(await historyOf(one, body.id))).toEqual([]);
    }
  }, 90_000);

  it('lets the next one begin only after the old one has ended, whatever partitions they are in', async () => {
    const { one, other } = cluster;
    const created = await Promise.all(Array.from({ length: 4 }, () => one.call('POST', '/api/v1/workflows/slow/executions', { input: { ms: 60_000 } })));
    for (const { body: old } of created) {
      const [first, second] = await Promise.all([one, other].map((gateway) => gateway.call('POST', `/api/v1/executions/${old.id}/retry`)));
      expect(first?.body.id).toBe(second?.body.id);
      expect([first?.status, second?.status].sort()).toEqual([200, 201]);
      const next = await until(async () => (await one.call('GET', `/api/v1/executions/${first?.body.id}`)).body.started_at, { what: 'the next one to start', timeoutMs: 40_000 });
      const { body } = await one.call('GET', `/api/v1/executions/${old.id}`);
      expect(body).toMatchObject({ status: 'cancelled', status_reason: 'superseded' });
      expect(Date.parse(next)).toBeGreaterThanOrEqual(Date.parse(body.completed_at));
      await one.call('POST', `/api/v1/executions/${first?.body.id}/cancel`);
    }
  }, 120_000);
});

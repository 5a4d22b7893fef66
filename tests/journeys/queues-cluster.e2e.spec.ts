import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startTestCluster } from './clustered.js';
import { flawsOf, historyOf } from './histories.js';
import { heldAtOnce, mostAtOnce, setQueue } from './queueing.js';
import { until } from './until.js';
import { approval, delay, inSequence, publish, transform } from './workflows.js';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startTestCluster({ RUNLOG_RATE_LIMIT: '0' }, { scheduler: 2 });
  await publish(cluster.one, inSequence('work', [delay('a', 0.2), transform('b', 'input.n')]));
  await publish(cluster.one, inSequence('ask', [approval('ask'), delay('b', 0.2)]));
}, 240_000);

afterAll(async () => {
  await cluster?.discard();
}, 60_000);

describe('a queue on Kafka, with two schedulers', () => {
  it('keeps its limits and loses no slot while the schedulers are killed in the middle', async () => {
    const { one, other } = cluster;
    await setQueue(one, 'steady', { limit: 4, key_limit: 2, strategy: 'round_robin' });
    const made = await Promise.all(
      Array.from({ length: 60 }, async (_, n) => {
        const how = { queue_name: 'steady', concurrency_key: `key-${n % 3}` };
        const { body } = await (n % 2 ? one : other).call('POST', `/api/v1/workflows/${n % 6 ? 'work' : 'ask'}/executions`, { input: { n }, ...how });
        return { n, id: body.id as string };
      }),
    );
    const isEnded = async (id: string) => (await other.call('GET', `/api/v1/executions/${id}`)).body.status === 'completed';
    const completedSoFar = async () => (await one.call('GET', '/api/v1/executions?queue_name=steady&status=completed&limit=100')).body.data.length;
    const answer = async () => {
      const { body } = await one.call('GET', '/api/v1/approvals?limit=100');
      for (const { execution_id, id } of body.data) await one.call('POST', `/api/v1/executions/${execution_id}/respond`, { gate_id: id, decision: 'approve' });
    };
    for (const [name, at] of [
      ['scheduler-1', 5],
      ['scheduler-2', 15],
      ['scheduler-1', 30],
    ] as const) {
      await until(async () => (await answer(), (await completedSoFar()) >= at), { what: `${at} to have run`, everyMs: 100 });
      cluster.member(name).kill('SIGKILL');
      await cluster.member(name).restart();
    }
    for (const { id } of made) await until(async () => (await answer(), isEnded(id)), { what: `'${id}' to complete`, everyMs: 100 });
    const ids = made.map(({ id }) => id);
    const held = await heldAtOnce(one, ids);
    expect({ most: held.length, held: held.length > 4 ? held : [] }).toEqual({ most: expect.any(Number), held: [] });
    for (const key of [0, 1, 2])
      expect(
        await mostAtOnce(
          one,
          made.filter(({ n }) => n % 3 === key).map(({ id }) => id),
        ),
      ).toBeLessThanOrEqual(2);
    for (const id of ids) expect(flawsOf(await historyOf(one, id))).toEqual([]);
    const queue = async () => (await one.call('GET', '/api/v1/queues/steady')).body;
    await until(async () => Object.values((await queue()).counts).every((count) => count === 0), {
      what: 'every slot to be free again',
      otherwise: async () => JSON.stringify(await queue()),
    });
    expect((await queue()).holders).toEqual([]);
  }, 240_000);
});

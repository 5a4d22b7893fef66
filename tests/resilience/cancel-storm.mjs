// Cancels executions at random moments on a cluster with a real Kafka: nodes that are fast, slow or deaf, and runners that die of it.
// `npm run test:cancel [-- --executions N --kills N --lanes N --seed N]`; a small one (40 executions, 1 kill) runs in `npm test`.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../deploy/local/cluster.mjs';
import { cancelled, percentile } from './cancel-invariants.mjs';
import { Api } from './clients.mjs';
import { command } from './command.mjs';
import { readLog } from './independent-log.mjs';
import { legalSteps, oneChain, oneEnd, oneOutcome } from './invariants.mjs';

/** Answers `/slow` after a while and anything else never; knows how many still wait for it. */
async function startServer() {
  const waiting = new Set();
  const server = createServer((request, response) => {
    waiting.add(response);
    response.on('close', () => waiting.delete(response));
    if (request.url === '/slow') setTimeout(() => response.end('{}'), 300);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, waiting, stop };
}

const code = (id, source) => ({ id, type: 'code', name: id, config: { source }, timeout_ms: 120_000 });
const row = (...nodes) => ({ nodes, edges: nodes.map(({ id }, i) => ({ from: nodes[i - 1]?.id ?? 'start_of_workflow', to: id })) });
const fan = (nodes, last) => ({
  nodes: [...nodes, last],
  edges: nodes.flatMap(({ id }) => [
    { from: 'start_of_workflow', to: id },
    { from: id, to: last.id },
  ]),
});

const shapesFor = (url) => {
  const http = (id, path) => ({ id, type: 'http', name: id, config: { method: 'GET', url: `${url}${path}` }, timeout_ms: 120_000 });
  const settings = { cancel_grace_seconds: 5 };
  return [
    { key: 'cancel_fast', name: 'Fast', ...row(...'abcdef'.split('').map((id) => code(id, 'return 1;'))), settings },
    { key: 'cancel_slow', name: 'Slow', ...row(http('a', '/slow'), http('b', '/slow'), code('c', 'return 1;')), settings },
    { key: 'cancel_deaf', name: 'Deaf', ...row(code('before', 'return 1;'), http('silent', '/never'), code('after', 'return 1;')), settings },
    { key: 'cancel_loop', name: 'Loop', ...row(code('loop', 'for (;;);'), code('after', 'return 1;')), settings },
    {
      key: 'cancel_fan',
      name: 'Fan',
      ...fan(
        [http('silent', '/never'), http('slow', '/slow'), code('quick', 'return 1;'), { id: 'wait', type: 'delay', name: 'wait', config: { seconds: 60 } }],
        code('last', 'return 1;'),
      ),
      settings,
    },
  ];
};

const summary = (list) => ({ n: list.length, p50: percentile(list, 50), p95: percentile(list, 95), max: percentile(list, 100) });

/** Most executions are of the shapes that wait for I/O: each endless loop takes a core until it is stopped. */
const mix = [0, 1, 2, 4, 1, 2, 0, 4, 2, 3];

const random = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

/** Runs one storm; resolves with `{ counts, signalledMs, violations }`. A kill strikes a runner within 50 ms of the aborts of eight deaf nodes. */
export async function cancelStorm({ executions = 500, kills = 12, seed = 1, lanes = 4, timeoutMs = 300_000, say = () => {} }) {
  const rnd = random(seed);
  const home = mkdtempSync(join(tmpdir(), 'runlog-cancel-'));
  const server = await startServer();
  const env = { RUNLOG_RATE_LIMIT: '0', RUNLOG_PARTITIONS: '4', RUNLOG_HEARTBEAT_TIMEOUT_MS: '2000', RUNLOG_EGRESS_ALLOW: '127.0.0.0/8' };
  const cluster = await startCluster({ home, processes: 2, counts: { commands: 1, gateway: 1, queries: 1 }, env, say });
  const begin = Date.now();
  const api = new Api(cluster.gateways, cluster.adminKey, begin + timeoutMs);
  try {
    const shapes = shapesFor(server.url);
    for (const shape of shapes) {
      const { status, body } = await api.call('POST', '/api/v1/workflows', shape);
      if (status !== 201) throw new Error(`publish ${shape.key}: ${status} ${JSON.stringify(body)}`);
    }

    const answers = new Map();
    const create = async (shape, n) => {
      const { status, body } = await api.call('POST', `/api/v1/workflows/${shape.key}/executions`, { input: { n } }, `create-${seed}-${n}`);
      if (status !== 201) throw new Error(`create ${n}: ${status} ${JSON.stringify(body)}`);
      return body.id;
    };
    const cancel = async (id) => answers.set(id, (await api.call('POST', `/api/v1/executions/${id}/cancel`, { reason: 'storm' })).status);

    const until = async (isSo, what) => {
      for (const last = Date.now() + 30_000; !isSo(); await sleep(10))
        if (Date.now() > last) throw new Error(`Expected ${what} within 30 s, but there are ${server.waiting.size} open`);
    };

    const dying = Math.min(kills * 8, executions);
    let n = 0;
    const lane = async () => {
      while (n < executions - dying) {
        const at = n++;
        const id = await create(shapes[mix[at % mix.length]], at);
        await sleep(rnd() * 700);
        await cancel(id);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    say(`${answers.size} cancelled, ${((Date.now() - begin) / 1000).toFixed(1)} s`);

    const runners = cluster.members.filter(({ service }) => service === 'runner');
    for (let round = 0; round < kills; round++) {
      await until(() => server.waiting.size === 0, 'no request of the round before');
      const ids = await Promise.all(Array.from({ length: 8 }, (_, i) => create(shapes[2], 1_000_000 + round * 8 + i)));
      await until(() => server.waiting.size === ids.length, 'eight requests that are never answered');
      const asked = Promise.all(ids.map(cancel));
      await sleep(rnd() * 50);
      const runner = runners[round % runners.length];
      runner.kill('SIGKILL');
      await Promise.all([asked, runner.restart().then(() => runner.ready())]);
      say(`killed ${runner.name}`);
    }

    const receipts = new Map();
    for (const id of answers.keys()) {
      for (;;) {
        const { body: resource } = await api.call('GET', `/api/v1/executions/${id}`);
        if (resource.is_terminal) {
          const { status, body: receipt } = await api.call('GET', `/api/v1/executions/${id}/cancellation`);
          receipts.set(id, { resource, receipt: status === 200 ? receipt : null });
          break;
        }
        if (Date.now() > api.deadline)
          throw new Error(`${id} is still ${resource.status}: ${JSON.stringify((await api.call('GET', `/api/v1/executions/${id}/events`)).body).slice(-1500)}`);
        await sleep(100);
      }
    }
    const { events } = await readLog(cluster.brokers.split(','));
    const facts = { events, answers, receipts };
    const latencies = [...receipts.values()].flatMap(({ receipt }) => receipt?.nodes.flatMap(({ signalled_ms: ms }) => ms ?? []) ?? []);
    const nodes = [...receipts.values()].flatMap(({ receipt }) => receipt?.nodes ?? []);
    const appended = new Map(events.filter(({ type }) => type === 'CancelRequested').map(({ execution, appendedAt }) => [execution, appendedAt]));
    const fromAppend = events.flatMap(({ execution, type, data }) => (type === 'NodeStopped' && data.signalled_at ? data.signalled_at - appended.get(execution) : []));
    const toAppend = events.flatMap(({ type, at, appendedAt }) => (type === 'CancelRequested' ? appendedAt - at : []));
    const tally = (list) => Object.fromEntries([...Map.groupBy(list, (one) => one)].map(([name, some]) => [name, some.length]));
    return {
      counts: {
        executions: answers.size,
        answers: tally([...answers.values()]),
        statuses: tally([...receipts.values()].map(({ resource }) => resource.status)),
        outcomes: tally(nodes.map(({ outcome }) => outcome)),
      },
      signalledMs: { fromRequest: summary(latencies), fromAppend: summary(fromAppend), requestToAppend: summary(toAppend) },
      violations: {
        ...Object.fromEntries(Object.entries({ oneEnd, oneChain, legalSteps, oneOutcome, ...cancelled }).map(([name, check]) => [name, check(facts)])),
        released: server.waiting.size > 0 ? [`${server.waiting.size} requests of stopped nodes are still open`] : [],
      },
      seconds: (Date.now() - begin) / 1000,
    };
  } finally {
    await cluster.stop();
    server.stop();
    if (!process.env.RUNLOG_KEEP_STORM) rmSync(home, { recursive: true, force: true });
    else say(`kept ${home}`);
  }
}

const notQuick = ({ signalledMs: { fromAppend } }) => (fromAppend.p95 < 100 ? undefined : `Expected a stop signal within 100 ms (p95), but it took ${fromAppend.p95} ms`);

if (process.argv[1] === fileURLToPath(import.meta.url)) await command(cancelStorm, { executions: 500, kills: 12, lanes: 4, seed: 1, minutes: 5 }, notQuick);

// `npm run bench:verbs [-- --quick]`: W7, replays of a large execution from its last node, and W8, the cancel of many that run; each at 1x and 10x
// of the work in one run, with time, CPU and memory, so that one sees how cost grows.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine } from '../../deploy/local/command-line.mjs';
import { setUp } from '../../deploy/local/setup.mjs';
import { watch } from './footprint.mjs';
import { startStandalone } from './starting.mjs';
import { until } from './until.mjs';

const { quick } = commandLine({ usage: 'npm run bench:verbs [-- --quick]: replays of a large execution, the cancel of many that run', flags: ['quick'] });
await setUp();
const sizes = quick ? { nodes: [100, 1_000], running: [20, 200], replays: 5 } : { nodes: [500, 5_000], running: [100, 1_000], replays: 20 };
const START = 'start_of_workflow';
const AT_ONCE = 32;
const say = (line) => process.stderr.write(`${line}\n`);
const round = (x) => Math.round(x * 100) / 100;
const at = (share, values) => round(values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]);

/** Calls `work` with each item, so many at a time. */
const each = async (items, work) => {
  const left = [...items];
  const results = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let item = left.pop(); item !== undefined; item = left.pop()) results.push(await work(item));
    }),
  );
  return results;
};

const home = mkdtempSync(join(tmpdir(), 'runlog-bench-verbs-'));
// Never answers: whoever asks runs until it is stopped.
const deaf = createServer(() => undefined);
await new Promise((listening) => deaf.listen(0, '127.0.0.1', listening));
const most = Math.max(...sizes.running);
const system = await startStandalone(home, { env: { RUNLOG_RUNNER_SLOTS: String(most + 8) }, readyWithinMs: 240_000 });

const measured = async (work) => {
  const watching = watch([system.pid]);
  const begun = performance.now();
  const extra = await work();
  return { seconds: round((performance.now() - begun) / 1000), ...watching.stop(), ...extra };
};

/** So many nodes side by side, and one after them. */
const wide = (width) => {
  const ids = Array.from({ length: width - 1 }, (_, i) => `n${i}`);
  return {
    key: `wide_${width}`,
    name: `Wide ${width}`,
    nodes: [...ids.map((id) => ({ id, type: 'transform', config: { expression: '1' } })), { id: 'last', type: 'transform', config: { expression: 'nodes.n0 + 1' } }],
    edges: ids.flatMap((id) => [
      { from: START, to: id },
      { from: id, to: 'last' },
    ]),
    output: 'nodes.last',
  };
};

const replays = async (width) => {
  await system.post('/api/v1/workflows', wide(width));
  const source = await system.post(`/api/v1/workflows/wide_${width}/executions?wait=300&fields=id,status`, {});
  if (source.status !== 'completed') throw new Error(`Expected the source of ${width} nodes to complete, but it is ${source.status}`);
  const replay = async () => {
    const begun = performance.now();
    const { status, version } = await system.post(`/api/v1/executions/${source.id}/replay?wait=60&fields=status,version`, { from_node_id: 'last' });
    if (status !== 'completed') throw new Error(`Expected the replay to complete, but it is ${status}`);
    return { ms: performance.now() - begun, events: version };
  };
  await replay();
  return measured(async () => {
    const done = [];
    for (let n = 0; n < sizes.replays; n++) done.push(await replay());
    const ms = done.map((one) => one.ms);
    return { nodes: width, replays: done.length, p50_ms: at(0.5, ms), p95_ms: at(0.95, ms), events: Math.max(...done.map(({ events }) => events)) };
  });
};

const cancels = async (many) => {
  const ids = await each([...Array(many).keys()], async () => (await system.post('/api/v1/workflows/hangs/executions?fields=id', {})).id);
  const running = async () => (await system.get('/api/v1/executions?status=running&limit=1&page=1')).meta.total;
  const begun = async (id) => (await system.get(`/api/v1/executions/${id}?fields=running_actions_count`)).running_actions_count === 1;
  await until(`${many} nodes to run`, async () => (await running()) >= many && (await each(ids, begun)).every(Boolean));
  return measured(async () => {
    await each(ids, (id) => system.post(`/api/v1/executions/${id}/cancel?fields=id`, {}));
    await until('all to be cancelled', async () => (await running()) === 0);
    const receipts = await each(ids, (id) => system.get(`/api/v1/executions/${id}/cancellation`));
    const nodes = receipts.flatMap((receipt) => receipt.nodes);
    const stopped = nodes.filter(({ outcome }) => outcome === 'stopped');
    const ms = stopped.flatMap((node) => node.ms ?? []);
    return { running: many, stopped: stopped.length, unknown: nodes.length - stopped.length, signal_p50_ms: at(0.5, ms), signal_p95_ms: at(0.95, ms) };
  });
};

/** How much more ten times the work takes, per piece of work. */
const growth = ([small, large], pieces, figures) =>
  Object.fromEntries(figures.map((figure) => [`${figure}_per_piece`, round(large[figure] / pieces(large) / (small[figure] / pieces(small) || Number.MIN_VALUE))]));

const results = { W7: [], W8: [] };
try {
  await system.post('/api/v1/workflows', {
    key: 'hangs',
    name: 'Hangs',
    nodes: [{ id: 'ask', type: 'http', name: 'Ask', config: { url: `http://127.0.0.1:${deaf.address().port}/` }, timeout_ms: 3_600_000 }],
    edges: [{ from: START, to: 'ask' }],
  });
  for (const width of sizes.nodes) {
    results.W7.push(await replays(width));
    say(`W7 ${JSON.stringify(results.W7.at(-1))}`);
  }
  for (const many of sizes.running) {
    results.W8.push(await cancels(many));
    say(`W8 ${JSON.stringify(results.W8.at(-1))}`);
  }
  const [small, large] = results.W7;
  results.growth = {
    // A replay reuses nodes by reference: it is one piece of work however many there are.
    W7: { p50: round(large.p50_ms / small.p50_ms), cpu: round(large.cpu_s / small.cpu_s), memory: round(large.peak_mb / small.peak_mb), events: large.events - small.events },
    W8: growth(results.W8, ({ running }) => running, ['seconds', 'cpu_s', 'peak_mb']),
  };
  say(`growth at 10x ${JSON.stringify(results.growth)}`);
  mkdirSync(fileURLToPath(new URL('./results', import.meta.url)), { recursive: true });
  writeFileSync(fileURLToPath(new URL('./results/verbs.json', import.meta.url)), `${JSON.stringify(results, null, 2)}\n`);
} finally {
  await system.stop();
  deaf.closeAllConnections();
  deaf.close();
  rmSync(home, { recursive: true, force: true });
}

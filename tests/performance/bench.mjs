// `npm run bench [-- --modes standalone,cluster] [--quick]`: W1 to W4 on each mode with a load client in its own process.
// JSON lines go to tests/performance/results (not kept in git), a table to standard output.
import { fork, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, appendFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../deploy/local/cluster.mjs';
import { freePort } from '../../deploy/local/kafka.mjs';
import { pinnedNode, root, setUp } from '../../deploy/local/setup.mjs';
import { watch } from './footprint.mjs';
import { workflows } from './workloads.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const option = (name, fallback) => {
  const i = process.argv.indexOf(`--${name}`);
  return i < 0 ? fallback : process.argv[i + 1];
};
const quick = process.argv.includes('--quick');
const modes = option('modes', 'standalone,cluster').split(',');
const size = quick ? { warm: 20, w1: 50, w2: 300, w3: 3, w4: 30, width: 100 } : { warm: 100, w1: 200, w2: 2000, w3: 5, w4: 100, width: 500 };
const say = (line) => process.stderr.write(`${line}\n`);

/** Talks to the client process: one request at a time. */
function startClient() {
  const child = fork(here('./client.mjs'), [], { execPath: pinnedNode(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  let n = 0;
  return {
    ask: (kind, options) =>
      new Promise((done, fail) => {
        const id = ++n;
        const hear = (message) => {
          if (message.id !== id) return;
          child.off('message', hear);
          if (message.error) fail(new Error(message.error));
          else done(message.result);
        };
        child.on('message', hear).send({ id, kind, options });
      }),
    close: () => child.disconnect(),
  };
}

async function startStandalone(home) {
  const port = await freePort();
  const key = 'rl_bench_0123456789abcdef';
  const child = spawn(pinnedNode(), [join(root, 'apps/standalone/dist/main.js')], {
    cwd: root,
    env: { ...process.env, PORT: String(port), RUNLOG_HOME: home, RUNLOG_ADMIN_KEY: key, RUNLOG_RATE_LIMIT: '0' },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  for (const deadline = Date.now() + 60_000; ; ) {
    if (await fetch(`${url}/health/ready`).then(({ ok }) => ok, () => false)) break;
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('standalone did not become ready');
    await new Promise((done) => setTimeout(done, 50));
  }
  return { url, key, roots: [child.pid], limit: ['postgres', null], stop: () => new Promise((done) => (child.once('exit', done), child.kill('SIGTERM'))) };
}

async function startClustered(home) {
  const cluster = await startCluster({ home, env: { RUNLOG_RATE_LIMIT: '0' }, say });
  return { url: cluster.gateways[0], key: cluster.adminKey, roots: [process.pid], limit: ['kafka', cluster.brokers], stop: cluster.stop };
}

/** The log's own figures, on a database or broker of this run. */
async function logLimit([adapter, target]) {
  let postgres;
  const folder = mkdtempSync(join(tmpdir(), 'runlog-bench-log-'));
  if (adapter === 'postgres') {
    const { startEmbeddedPostgres } = await import('../../libs/platform/dist/index.js');
    postgres = await startEmbeddedPostgres({ dataFolder: folder });
  }
  try {
    const child = spawn(pinnedNode(), [here('./log-limit.mjs'), adapter, target ?? postgres.connectionString], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    await new Promise((done) => child.on('exit', done));
    return JSON.parse(text);
  } finally {
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(mode, results) {
  const home = mkdtempSync(join(tmpdir(), `runlog-bench-${mode}-`));
  const emit = (row) => {
    const line = { at: new Date().toISOString(), mode, cpus: cpus().length, node: process.version, ...row };
    results.push(line);
    appendFileSync(resultFile, `${JSON.stringify(line)}\n`);
    say(JSON.stringify(row));
  };
  say(`\n${mode}: starting ...`);
  const system = mode === 'cluster' ? await startClustered(home) : await startStandalone(home);
  const client = startClient();
  try {
    if (mode === 'cluster') emit({ workload: 'log', ...(await logLimit(system.limit)) });
    await client.ask('connect', { url: system.url, key: system.key });
    for (const body of workflows(size.width)) await client.ask('call', { method: 'POST', path: '/api/v1/workflows', body });
    for (const kind of ['pure', 'code']) {
      const workflow = `steps_${kind}`;
      const { body: definition } = await client.ask('call', { method: 'GET', path: `/api/v1/workflows/${workflow}` });
      await client.ask('run', { workflow, count: size.warm, inFlight: 8, input: { x: 1 } });
      const timed = async (name, work) => {
        const meter = watch(system.roots);
        const figures = await work();
        emit({ workload: name, nodes: kind, ...figures, ...meter.stop() });
      };
      await timed('W1', () => client.ask('run', { workflow, count: size.w1, inFlight: 1, input: { x: 1 } }));
      await timed('W2', async () => {
        const since = new Date().toISOString();
        const figures = await client.ask('run', { workflow, count: size.w2, inFlight: 64, input: { x: 1 } });
        const { ms } = await client.ask('level', { workflowId: definition.id, since, count: size.w2 });
        return { ...figures, level_ms: ms };
      });
      await timed('W3', () => client.ask('run', { workflow: `fan_${kind}`, count: size.w3, inFlight: 1, input: { x: 1 } }));
      await timed('W4', () => client.ask('list', { count: size.w4, workflowId: definition.id }));
    }
  } finally {
    client.close();
    await system.stop();
    if (mode === 'standalone') emit({ workload: 'log', ...(await logLimit(system.limit)) });
    rmSync(home, { recursive: true, force: true });
  }
}

function table(results) {
  const rows = results.map((row) =>
    row.workload === 'log'
      ? [row.mode, 'log', row.server, `append ${row.append_p50_ms} ms`, `hop ${row.hop_p50_ms} ms`, '', `${row.appends_per_second}/s`, '', '', '']
      : [row.mode, row.workload, row.nodes, row.latency_ms.p50, row.latency_ms.p95, row.latency_ms.p99, row.per_second ?? '', row.level_ms ?? '', row.peak_mb, row.cpu_s],
  );
  const head = ['mode', 'workload', 'nodes', 'p50 ms', 'p95 ms', 'p99 ms', 'per s', 'level ms', 'peak MB', 'CPU s'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => String(row[i]).length)));
  const print = (row) => process.stdout.write(`${row.map((cell, i) => String(cell).padEnd(widths[i])).join('  ')}\n`);
  print(head);
  for (const row of rows) print(row);
}

await setUp();
mkdirSync(here('./results'), { recursive: true });
const resultFile = here(`./results/${new Date().toISOString().replaceAll(':', '-')}.jsonl`);
const results = [];
for (const mode of modes) await measure(mode, results);
table(results);
say(`\nJSON lines: ${resultFile}`);
process.exit(0);

// `npm run bench [-- --modes standalone,cluster] [--peers] [--quick]`: W1 to W4 on each mode with a load client in its own process;
// `--peers` runs DBOS and Restate in the same run, under the same client and workloads, and prints the ratios. A pass of its own after each mode
// prints where a run's time goes, hop by hop; `--profile` adds CPU profiles; `--report` puts both into docs/performance.md; `--trace` does nothing else.
// JSON lines go to tests/performance/results (not kept in git), a table to standard output.
import { fork, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../deploy/local/cluster.mjs';
import { commandLine } from '../../deploy/local/command-line.mjs';
import { freePort } from '../../deploy/local/kafka.mjs';
import { pinnedNode, setUp } from '../../deploy/local/setup.mjs';
import { tree, watch } from './footprint.mjs';
import { gatewayCosts } from './gateway-costs.mjs';
import { startClient } from './load.mjs';
import { printRatios } from './ratios.mjs';
import { measureSecurity, securityTable } from './row-level-security.mjs';
import { startStandalone } from './starting.mjs';
import { keepReport, trace } from './trace.mjs';
import { workflows } from './workloads.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const {
  modes,
  peers,
  quick,
  profile,
  report,
  trace: isTrace,
} = commandLine({
  usage:
    'npm run bench -- [--modes standalone,cluster] [--peers] [--quick] [--trace] [--profile] [--report]: W1 to W4, beside DBOS and Restate; hop by hop; into docs/performance.md',
  flags: ['peers', 'quick', 'profile', 'report', 'trace'],
  values: { modes: ['standalone', 'cluster'] },
});
const size = quick ? { warm: 300, w1: 50, w2: 300, w3: 3, w4: 30, width: 100, requests: 2_000 } : { warm: 1_500, w1: 200, w2: 2000, w3: 5, w4: 100, width: 500, requests: 10_000 };
const say = (line) => process.stderr.write(`${line}\n`);

async function standalone(home) {
  const system = await startStandalone(home);
  return { ...system, roots: [system.pid], limit: ['postgres', null] };
}

async function startClustered(home) {
  const cluster = await startCluster({
    home,
    env: { RUNLOG_RATE_LIMIT: '0' },
    say,
  });
  return {
    url: cluster.gateways[0],
    key: cluster.adminKey,
    // All that this process has started by now: neither itself nor the client, which comes later.
    shape: { processes: cluster.members.length, partitions: cluster.partitions },
    roots: tree([process.pid]).flatMap(({ pid }) => (pid === process.pid ? [] : [pid])),
    limit: ['kafka', cluster.brokers],
    stop: cluster.stop,
  };
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
  say(`\n${mode}: starting ...`);
  const system = mode === 'cluster' ? await startClustered(home) : await standalone(home);
  const emit = (row) => {
    const line = {
      at: new Date().toISOString(),
      mode,
      cpus: cpus().length,
      node: process.version,
      ...system.shape,
      ...row,
    };
    results.push(line);
    appendFileSync(resultFile, `${JSON.stringify(line)}\n`);
    say(JSON.stringify(row));
  };
  const client = startClient();
  try {
    if (mode === 'cluster') emit({ workload: 'log', ...(await logLimit(system.limit)) });
    await client.ask('connect', { url: system.url, key: system.key });
    for (const body of workflows(size.width))
      await client.ask('call', {
        method: 'POST',
        path: '/api/v1/workflows',
        body,
      });
    for (const kind of ['pure', 'code']) {
      const workflow = `steps_${kind}`;
      const { body: definition } = await client.ask('call', {
        method: 'GET',
        path: `/api/v1/workflows/${workflow}`,
      });
      await client.ask('run', {
        workflow,
        count: size.warm,
        inFlight: 64,
        input: { x: 1 },
      });
      const timed = async (name, work) => {
        const meter = watch(system.roots);
        const figures = await work();
        emit({ workload: name, nodes: kind, ...figures, ...meter.stop(figures.latency_ms?.n) });
      };
      await timed('W1', () =>
        client.ask('run', {
          workflow,
          count: size.w1,
          inFlight: 1,
          input: { x: 1 },
        }),
      );
      await timed('W2', async () => {
        const since = new Date().toISOString();
        const figures = await client.ask('run', {
          workflow,
          count: size.w2,
          inFlight: 64,
          input: { x: 1 },
        });
        const { ms } = await client.ask('level', {
          workflowId: definition.id,
          since,
          count: size.w2,
        });
        return { ...figures, level_ms: ms };
      });
      await timed('W3', () =>
        client.ask('run', {
          workflow: `fan_${kind}`,
          count: size.w3,
          inFlight: 1,
          input: { x: 1 },
        }),
      );
      await timed('W4', () => client.ask('list', { count: size.w4, workflowId: definition.id }));
      if (kind !== 'pure') continue;
      // Through the gateway at 64 connections: what it serves, beside what executions cost.
      const { body: page } = await client.ask('call', { method: 'GET', path: '/api/v1/executions?limit=50&fields=id' });
      const create = { method: 'POST', paths: [`/api/v1/workflows/${workflow}/executions`], body: { input: { x: 1 } } };
      await timed('GET', () => client.ask('requests', { paths: page.data.map(({ id }) => `/api/v1/executions/${id}`), count: size.requests }));
      await timed('list', () => client.ask('requests', { paths: ['/api/v1/executions?limit=50&status=completed'], count: size.requests / 4 }));
      await timed('create', () => client.ask('requests', { ...create, count: size.requests / 4 }));
    }
  } finally {
    client.close();
    await system.stop();
    if (mode === 'standalone') emit({ workload: 'log', ...(await logLimit(system.limit)) });
    rmSync(home, { recursive: true, force: true });
  }
}

/** A peer in a process of its own: `{ url, roots, list, stop }`. */
async function startPeer(name, home) {
  const [port, admin, node, service] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  let postgres;
  const env = {
    ...process.env,
    WIDTH: String(size.width),
    PORT: String(port),
    RESTATE_LOGGING: 'ERROR',
  };
  if (name === 'dbos') {
    const { startEmbeddedPostgres } = await import('../../libs/platform/dist/index.js');
    postgres = await startEmbeddedPostgres({
      dataFolder: join(home, 'postgres'),
    });
    env.DATABASE_URL = postgres.connectionString;
  } else
    Object.assign(env, {
      ADMIN_PORT: String(admin),
      NODE_PORT: String(node),
      SERVICE_PORT: String(service),
      HOME_DIR: join(home, 'restate'),
    });
  const child = fork(here(`./peers/${name}.mjs`), [], {
    execPath: pinnedNode(),
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  await new Promise((done, fail) => child.once('message', done).once('exit', (code) => fail(new Error(`${name} ended with ${code}`))));
  const url = `http://127.0.0.1:${port}`;
  const sql = "select id, target, status, created_at, completion_result from sys_invocation where status = 'completed' order by created_at desc limit 50";
  return {
    url,
    path: (workload) => (name === 'dbos' ? `/${workload}` : `/peer/${workload}`),
    list:
      name === 'dbos'
        ? { method: 'GET', url, path: '/list', rows: 'output' }
        : {
            method: 'POST',
            url: `http://127.0.0.1:${admin}`,
            path: '/query',
            body: { query: sql },
            rows: 'rows',
          },
    roots: [child.pid, ...(postgres ? [postgres.pid] : [])],
    stop: async () => {
      const gone = new Promise((done) => child.once('exit', done));
      child.disconnect();
      await gone;
      await postgres?.stop();
    },
  };
}

async function measurePeer(name, results) {
  const home = mkdtempSync(join(tmpdir(), `runlog-bench-${name}-`));
  say(`\n${name}: starting ...`);
  const peer = await startPeer(name, home);
  const client = startClient();
  try {
    await client.ask('connect', { url: peer.url, key: 'none' });
    await client.ask('run', {
      path: peer.path('steps'),
      count: size.warm,
      inFlight: 64,
    });
    const timed = async (workload, work) => {
      const meter = watch(peer.roots);
      const figures = await work();
      const line = {
        at: new Date().toISOString(),
        mode: name,
        nodes: 'code',
        workload,
        ...figures,
        ...meter.stop(figures.latency_ms?.n),
      };
      results.push(line);
      appendFileSync(resultFile, `${JSON.stringify(line)}\n`);
      say(JSON.stringify(line));
    };
    await timed('W1', () =>
      client.ask('run', {
        path: peer.path('steps'),
        count: size.w1,
        inFlight: 1,
      }),
    );
    await timed('W2', () =>
      client.ask('run', {
        path: peer.path('steps'),
        count: size.w2,
        inFlight: 64,
      }),
    );
    await timed('W3', () =>
      client.ask('run', {
        path: peer.path('fan'),
        count: size.w3,
        inFlight: 1,
      }),
    );
    await timed('W4', () => client.ask('listOf', { ...peer.list, count: size.w4 }));
  } finally {
    client.close();
    await peer.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

function installPeers() {
  if (existsSync(here('./peers/node_modules'))) return;
  say('Installing the peers ...');
  const { status } = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: here('./peers'), stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('The peers could not be installed');
}

/** `standalone 4.1, postgres 3.2`: CPU milliseconds by process. */
const spread = (by) =>
  Object.entries(by ?? {})
    .sort((a, b) => b[1] - a[1])
    .map(([role, ms]) => `${role} ${ms}`)
    .join(', ');

function table(results) {
  const rows = results.map((row) =>
    row.workload === 'log'
      ? [row.mode, 'log', row.server, `append ${row.append_p50_ms} ms`, `hop ${row.hop_p50_ms} ms`, '', `${row.appends_per_second}/s`, '', '', '', '']
      : [
          row.mode,
          row.workload,
          row.nodes,
          row.latency_ms.p50,
          row.latency_ms.p95,
          row.latency_ms.p99,
          row.per_second ?? '',
          row.level_ms ?? '',
          row.peak_mb,
          row.cpu_s,
          spread(row.cpu_ms),
        ],
  );
  const head = ['mode', 'workload', 'nodes', 'p50 ms', 'p95 ms', 'p99 ms', 'per s', 'level ms', 'peak MB', 'CPU s', 'CPU ms a run'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => String(row[i]).length)));
  const print = (row) => process.stdout.write(`${row.map((cell, i) => String(cell).padEnd(widths[i])).join('  ')}\n`);
  print(head);
  for (const row of rows) print(row);
  const cluster = results.find(({ processes }) => processes);
  if (cluster) process.stdout.write(`The cluster: ${cluster.processes} processes of services, partitions: ${cluster.partitions}\n`);
}

await setUp();
mkdirSync(here('./results'), { recursive: true });
const resultFile = here(`./results/${new Date().toISOString().replaceAll(':', '-')}.jsonl`);
const results = [];
if (!isTrace) {
  if (peers) installPeers();
  if (peers) for (const name of ['dbos', 'restate']) await measurePeer(name, results);
  for (const mode of modes) await measure(mode, results);
  table(results);
  const costs = await gatewayCosts();
  appendFileSync(resultFile, `${JSON.stringify({ workload: 'gateway-costs', ...costs })}\n`);
  process.stdout.write(
    `\nCPU of a gateway per request: ${Object.entries(costs)
      .map(([name, us]) => `${name.replace(/_us$/, '').replaceAll('_', ' ')} ${us} µs`)
      .join(', ')}\n`,
  );
  const security = await measureSecurity(quick ? 2_000 : 20_000);
  appendFileSync(resultFile, `${JSON.stringify({ workload: 'row-level-security', ...security })}\n`);
  process.stdout.write(`\n${securityTable(security)}\n`);
  if (peers) printRatios(results);
}
const traced = [];
for (const mode of modes) traced.push(...(await trace(mode, { w1: quick ? 50 : 200, w2: quick ? 200 : 1_000, profile })));
process.stdout.write(`\n${traced.join('\n')}\n`);
if (report) keepReport(traced);
if (!isTrace) say(`\nJSON lines: ${resultFile}`);
process.exit(0);

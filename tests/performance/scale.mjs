// `npm run bench:scale [partitions] [kept] [suspended]` (default all; `--quick` for a tenth): how throughput goes with partitions, what an execution costs
// beside ever more that are kept, and what executions that wait for people cost. docs/scaling.md says what follows from it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../deploy/local/cluster.mjs';
import { commandLine } from '../../deploy/local/command-line.mjs';
import { setUp } from '../../deploy/local/setup.mjs';
import { tree, watch } from './footprint.mjs';
import { startClient } from './load.mjs';
import { startStandalone } from './starting.mjs';
import { workflows } from './workloads.mjs';

const { quick, rest: wanted } = commandLine({
  usage: 'npm run bench:scale [-- partitions kept suspended] [--quick]: throughput by partitions, cost beside what is kept, executions that wait',
  flags: ['quick'],
  positionals: { rest: ['partitions', 'kept', 'suspended'] },
});
await setUp();
const wants = (name) => wanted.length === 0 || wanted.includes(name);
const say = (line) => process.stderr.write(`${line}\n`);
const round = (x) => Math.round(x * 100) / 100;
const within = async (work) => {
  const home = await mkdtemp(join(tmpdir(), 'runlog-scale-'));
  try {
    return await work(home);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
};
const cpuOf = (roots) => tree(roots).reduce((sum, { cpu }) => sum + cpu, 0);

const connected = async ({ url, key }) => {
  const client = startClient();
  await client.ask('connect', { url, key });
  return client;
};

/** A client at a new system, its workflows published. */
const clientOf = async (system) => {
  const client = await connected(system);
  for (const body of workflows(10)) await client.ask('call', { method: 'POST', path: '/api/v1/workflows', body });
  return client;
};
const runs = (client, kind, count, inFlight = 64) => client.ask('run', { workflow: `steps_${kind}`, count, inFlight, input: { x: 1 } });

/** Runs per second and CPU per run, 64 in flight, of a system with so many partitions. */
async function withPartitions(mode, partitions) {
  return within(async (home) => {
    const env = { RUNLOG_PARTITIONS: String(partitions), RUNLOG_RATE_LIMIT: '0' };
    let system;
    if (mode === 'cluster') {
      const cluster = await startCluster({ home, processes: 2, env, say: () => undefined });
      system = { url: cluster.gateways[0], key: cluster.adminKey, roots: [process.pid], stop: cluster.stop };
    } else {
      const standalone = await startStandalone(home, { env });
      system = { ...standalone, roots: [standalone.pid] };
    }
    try {
      const client = await clientOf(system);
      const result = { mode, partitions };
      for (const [kind, count] of [
        ['pure', quick ? 300 : 3_000],
        ['code', quick ? 100 : 1_000],
      ]) {
        await runs(client, kind, 50, 8);
        const meter = watch(system.roots);
        const { per_second, latency_ms } = await runs(client, kind, count);
        const { cpu_s, peak_mb } = meter.stop();
        result[kind] = { per_second, p95_ms: latency_ms.p95, cpu_ms_per_run: round((cpu_s * 1_000) / count), peak_mb };
      }
      client.close();
      return result;
    } finally {
      await system.stop();
    }
  });
}

/** What one more execution, a restart, a read and a list cost beside ever more that are kept: all of them run here, on one home. */
async function whileKeptGrow(sizes, tell) {
  return within(async (home) => {
    const results = [];
    const ids = [];
    let made = 0;
    let system = await startStandalone(home);
    let client = await clientOf(system);
    const run = async (count) => {
      const { sample, ...figures } = await client.ask('run', { workflow: 'steps_pure', count, inFlight: 64, input: { x: 1 }, sample: 100 });
      ids.push(...sample);
      made += count;
      return figures;
    };
    try {
      for (const kept of sizes) {
        while (made < kept) {
          await run(Math.min(kept - made, 20_000));
          if (made % 100_000 === 0) say(`${made} kept ...`);
        }
        client.close();
        await system.stop();
        system = await startStandalone(home, { readyWithinMs: 600_000 });
        client = await connected(system);
        await run(500);
        const count = quick ? 200 : 2_000;
        const before = cpuOf([system.pid]);
        const { per_second, latency_ms } = await run(count);
        const cpu = cpuOf([system.pid]) - before;
        const time = async (path) => {
          const { latency_ms: took } = await client.ask('requests', { paths: path, count: 200, inFlight: 1 });
          return took;
        };
        const some = Array.from({ length: 200 }, () => ids[Math.floor(Math.random() * ids.length)]);
        const get = await time(some.map((id) => `/api/v1/executions/${id}`));
        const list = await time(['/api/v1/executions?status=completed&limit=50']);
        results.push({
          kept,
          restart_ready_ms: system.readyMs,
          per_second,
          p95_ms: latency_ms.p95,
          cpu_ms_per_run: round((cpu * 1_000) / count),
          get_ms: [get.p50, get.p95],
          list_ms: [list.p50, list.p95],
          kilobytes_each: round((await sizeOf(home)) / made / 1024),
        });
        tell(results.at(-1));
      }
      return results;
    } finally {
      client.close();
      await system.stop();
    }
  });
}

/** Bytes on the disk, logs of the server and all. */
const sizeOf = async (folder) => {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      bytes += await stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      );
  return bytes;
};

/** Executions that wait for an answer: memory while they come, a restart after `kill -9`, and one of them answered. */
async function withSuspended(total) {
  return within(async (home) => {
    let system = await startStandalone(home);
    await system.post('/api/v1/workflows', {
      key: 'asks',
      name: 'Asks',
      nodes: [{ id: 'ask', type: 'question', name: 'Ask', config: { prompt: 'Go on?' } }],
      edges: [{ from: 'start_of_workflow', to: 'ask' }],
    });
    const memory = [];
    let last;
    const t = performance.now();
    for (let made = 0; made < total; ) {
      const executions = Array.from({ length: Math.min(1_000, total - made) }, (_, i) => ({ workflow_id: 'asks', input: { n: made + i } }));
      const { data } = await system.post('/api/v1/executions/batch', { executions });
      const refused = data.find(({ status }) => status !== 201);
      if (refused) throw new Error(`Expected every create to be accepted, but got ${JSON.stringify(refused)}`);
      last = data.at(-1).id;
      made += executions.length;
      if (made % (total / 10) < 1_000) {
        const meter = watch([system.pid]);
        await new Promise((done) => setTimeout(done, 2_000));
        memory.push({ suspended: made, mb: meter.stop().peak_mb });
        say(JSON.stringify(memory.at(-1)));
      }
    }
    const seconds = round((performance.now() - t) / 1_000);
    await system.kill();
    system = await startStandalone(home, { readyWithinMs: 600_000 });
    try {
      const meter = watch([system.pid]);
      const answered = performance.now();
      await system.post(`/api/v1/executions/${last}/respond`, { node_id: 'ask', answer: 'yes' });
      let status;
      while (status !== 'completed') ({ status } = await system.get(`/api/v1/executions/${last}`));
      const answerMs = round(performance.now() - answered);
      const [inbox, page] = await Promise.all([system.get('/api/v1/approvals?limit=1'), system.get('/api/v1/executions?status=suspended&limit=1&page=1')]);
      return {
        suspended: total,
        seconds,
        memory,
        ready_after_kill_ms: system.readyMs,
        answer_ms: answerMs,
        mb_after_restart: meter.stop().peak_mb,
        inbox: inbox.data.length,
        counted: page.meta.total,
      };
    } finally {
      await system.stop();
    }
  });
}

const results = { partitions: [], kept: [], suspended: [] };
if (wants('partitions'))
  for (const mode of ['standalone', 'cluster'])
    for (const partitions of [1, 2, 4, 8, 32]) {
      results.partitions.push(await withPartitions(mode, partitions));
      say(JSON.stringify(results.partitions.at(-1)));
    }
if (wants('kept')) results.kept = await whileKeptGrow(quick ? [1_000, 10_000] : [1_000, 10_000, 100_000, 1_000_000], (result) => say(JSON.stringify(result)));
if (wants('suspended')) results.suspended.push(await withSuspended(quick ? 20_000 : 200_000));
const folder = fileURLToPath(new URL('./results', import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'scale.json'), JSON.stringify(results, null, 2));
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
process.exit(0);

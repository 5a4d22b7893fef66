// `npm run bench:rebuild [executions]`: the read models of so many executions (default 100,000) rebuilt while they are read and written.
// Events are written through the log directly, as their owner would; the projection, the reads and the rebuild are the real ones.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, setUp } from '../../deploy/local/setup.mjs';

await setUp();
const { createPostgresLog, partitionOf } = await import('../../libs/event-log/dist/index.js');
const { createLogger, startEmbeddedPostgres } = await import('../../libs/platform/dist/index.js');
const { Catalog, createDatabase } = await import('../../libs/read-model/dist/index.js');
const { QueriesService, rebuildExecutions } = await import('../../apps/queries/dist/index.js');
const { createdData, Recorder } = await import('../../apps/queries/dist/testing/recorder.js');
const { uuidv7 } = await import('uuidv7');

const executions = Number(process.argv[2] ?? 100_000);
const say = (line) => process.stderr.write(`${line}\n`);
const home = await mkdtemp(join(tmpdir(), 'runlog-rebuild-'));
const postgres = await startEmbeddedPostgres({ dataFolder: home });
const url = postgres.connectionString;
const database = await createDatabase({ url, poolSize: 8 });
const catalog = new Catalog(database);
const logger = createLogger('bench', { logLevel: 'error' });
const workspaceId = (await catalog.seedDefaults()).workspace.id;
const nodes = ['a', 'b', 'c'].map((id) => ({
  id,
  type: 'transform',
  name: id,
  config: { expression: '1' },
}));
const { workflow, version } = await catalog.createWorkflow({
  workspaceId,
  definition: { key: 'bench', name: 'Bench', nodes, edges: [] },
  by: null,
  at: 1,
});
const log = createPostgresLog({ connectionString: url });
const otherLog = createPostgresLog({ connectionString: url });
await Promise.all([log.start(), otherLog.start()]);
const recorder = new Recorder(log, workspaceId);
await recorder.start();
const queries = new QueriesService({ database, log, catalog, logger });
await queries.start();
const partitions = log.partitions('execution-events');

const ids = [];
const begun = Date.now();
const historyOf = (id, n) =>
  recorder.encode(
    id,
    [
      'ExecutionCreated',
      createdData({
        workflow_id: workflow.id,
        workflow_version_id: version.id,
        key: `bench_${n}`,
        hashid: `h${n}`,
        run_number: n,
        input: { n, text: 'x'.repeat(200) },
        tags: [`t${n % 50}`],
      }),
      begun + n,
    ],
    ['ExecutionQueued', { queue_name: null }, begun + n],
    ['ExecutionStarted', {}, begun + n + 1],
    ...nodes.map(({ id: node_id }, i) => ['NodeCompleted', { node_id, attempt: 1, output: { n, i }, inline: true }, begun + n + 2 + i]),
    ['ExecutionCompleted', { output: { n } }, begun + n + 6],
  );
const record = async (count) => {
  const made = Array.from({ length: count }, () => uuidv7());
  const groups = Map.groupBy(made, (id) => partitionOf(id, partitions));
  await Promise.all(
    [...groups.values()].map((some) =>
      recorder.append(
        some[0],
        some.flatMap((id) => historyOf(id, ids.push(id))),
      ),
    ),
  );
  return made;
};
const level = async () => {
  for (let partition = 0; partition < partitions; partition++) {
    const fresh = {
      partition,
      offset: await log.end('execution-events', partition),
      timeoutMs: 60_000,
    };
    while (
      (
        await queries.reads.execution({
          workspaceId,
          ref: ids[0],
          nodes: false,
          fresh,
        })
      ).stale
    );
  }
};
const tables = ['executions', 'execution_nodes', 'execution_events', 'usage_daily', 'gates'];
const checksums = async () => {
  const sums = {};
  for (const table of tables) sums[table] = (await database.query(`select count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) as sum from ${table} t`))[0].sum;
  return sums;
};
const quantile = (list, q) => Math.round([...list].sort((a, b) => a - b)[Math.floor((list.length - 1) * q)] * 10) / 10;
const describe = (list) => ({
  count: list.length,
  p50_ms: quantile(list, 0.5),
  p95_ms: quantile(list, 0.95),
  p99_ms: quantile(list, 0.99),
  max_ms: quantile(list, 1),
});

/** One reader of executions and one of lists, at most 100 asks a second each, until ended. */
const reading = () => {
  const took = { get: [], list: [] };
  const failed = [];
  let ended = false;
  const lane = async (into, read) => {
    for (; !ended; await new Promise((done) => setTimeout(done, 10))) {
      const t = performance.now();
      await read().catch((error) => failed.push(error.message));
      into.push(performance.now() - t);
    }
  };
  const get = async () => {
    const id = ids[Math.floor(Math.random() * executions)];
    const answer = await queries.reads.execution({
      workspaceId,
      ref: id,
      nodes: true,
    });
    if (answer?.view.version !== 7 || Object.keys(answer.view.nodes).length !== 3) failed.push(`'${id}' is at ${answer?.view.version}`);
  };
  const list = async () => {
    const { rows } = await queries.reads.executions({
      workspaceId,
      sort: 'created_at',
      descending: true,
      limit: 50,
      statuses: ['completed'],
    });
    if (rows.length !== 50) failed.push(`a list had ${rows.length} rows`);
  };
  const lanes = [lane(took.get, get), lane(took.list, list)];
  return async () => {
    ended = true;
    await Promise.all(lanes);
    return {
      get: describe(took.get),
      list: describe(took.list),
      failed: [...new Set(failed)],
    };
  };
};

/** A command in a process of its own, as an operator runs it: how it ended and its last line. */
const command = (name) =>
  new Promise((done) => {
    const child = spawn(process.execPath, [join(root, 'apps/queries/dist', name)], {
      env: { ...process.env, DATABASE_URL: url, KAFKA_BROKERS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      process.stderr.write(chunk);
    });
    child.on('close', (code) => done({ code, last: text.trimEnd().split('\n').at(-1) }));
  });

let t = performance.now();
while (ids.length < executions) {
  await record(Math.min(500, executions - ids.length));
  if (ids.length % 10_000 === 0) say(`recorded ${ids.length}`);
}
const recorded = performance.now() - t;
await level();
const projected = performance.now() - t;
say(`projected live in ${(projected / 1000).toFixed(1)} s`);
await database.query('vacuum (analyze)');

const quiet = reading();
await new Promise((done) => setTimeout(done, 10_000));
const before = await quiet();
const live = await checksums();
t = performance.now();
const rebuilt = await rebuildExecutions({
  database,
  databaseUrl: url,
  log: otherLog,
  catalog,
  logger,
});
const sameRows = JSON.stringify(await checksums()) === JSON.stringify(live);
say(`rebuilt alone in ${(rebuilt.ms / 1000).toFixed(1)} s`);

let [writing, written] = [true, 0];
const writer = (async () => {
  for (; writing; await new Promise((done) => setTimeout(done, 100))) written += (await record(5)).length;
})();
const busy = reading();
t = performance.now();
const underLoad = await command('rebuild-main.js');
const underLoadMs = performance.now() - t;
writing = false;
await writer;
const during = await busy();
await level();
t = performance.now();
const verified = await command('verify-main.js');
const result = {
  executions,
  events: executions * 7,
  recorded_s: recorded / 1000,
  projected_live_s: projected / 1000,
  rebuilt_alone_s: rebuilt.ms / 1000,
  same_rows: sameRows,
  rebuilt_under_load_s: underLoadMs / 1000,
  rebuilt_under_load: underLoad.last,
  written_meanwhile: written,
  reads_before: before,
  reads_during: during,
  verified_s: (performance.now() - t) / 1000,
  verified: verified.last,
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);

await recorder.stop();
await queries.stop();
await Promise.all([log.stop(), otherLog.stop()]);
await database.close();
await postgres.stop();
await rm(home, { recursive: true, force: true });
process.exit(sameRows && underLoad.code === 0 && verified.code === 0 && during.failed.length === 0 ? 0 : 1);

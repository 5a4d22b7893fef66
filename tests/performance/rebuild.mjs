// `npm run bench:rebuild [executions]`: the read models of so many executions (default 100,000) rebuilt while they are read and written.
// Events are written through the log directly, as their owner would; the projection, the reads and the rebuild are the real ones.

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandLine } from '../../deploy/local/command-line.mjs';
import { root, setUp } from '../../deploy/local/setup.mjs';

const { executions } = commandLine({
  usage: 'npm run bench:rebuild [-- <executions, 100000>]: read models rebuilt while they are read and written',
  positionals: { executions: 100_000 },
});
await setUp();
const { createPostgresLog } = await import('../../libs/event-log/dist/index.js');
const { rebuildExecutions } = await import('../../apps/queries/dist/index.js');
const { open } = await import('./filling.mjs');

const say = (line) => process.stderr.write(`${line}\n`);
const home = await mkdtemp(join(tmpdir(), 'runlog-rebuild-'));
const filled = await open(home);
const { url, database, catalog, logger, queries, workspaceId, ids, record, level } = filled;
const otherLog = createPostgresLog({ connectionString: url });
await otherLog.start();

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
    if (!(answer?.view.version >= 6) || Object.keys(answer.view.nodes).length !== 3) failed.push(`'${id}' is at ${answer?.view.version}`);
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
await filled.fill(executions, say);
const projected = performance.now() - t;
say(`projected live in ${(projected / 1000).toFixed(1)} s`);

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

await otherLog.stop();
await filled.close();
await rm(home, { recursive: true, force: true });
process.exit(sameRows && underLoad.code === 0 && verified.code === 0 && during.failed.length === 0 ? 0 : 1);

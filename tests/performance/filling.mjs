// Fills an installation through the log's port: real events under real claims, folded by the real projection. Used by whatever measures a full one.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const { createPostgresLog, partitionOf } = await import('../../libs/event-log/dist/index.js');
const { createLogger, startEmbeddedPostgres } = await import('../../libs/platform/dist/index.js');
const { Catalog, createDatabase } = await import('../../libs/read-model/dist/index.js');
const { QueriesService } = await import('../../apps/queries/dist/index.js');
const { createdData, Recorder } = await import('../../apps/queries/dist/testing/recorder.js');
const { uuidv7 } = await import('uuidv7');

const NODES = ['a', 'b', 'c'];
const WORKFLOWS = 20;
/** Shares of a production that goes well: most complete, some fail, a few wait. */
const endings = [
  ...Array(84).fill((n) => [['ExecutionCompleted', { output: { n } }]]),
  ...Array(10).fill((n) => [['ExecutionFailed', { error: `the server answered 50${n % 4}`, error_code: 'http_status', error_node_id: 'c' }]]),
  ...Array(4).fill(() => [['ExecutionCancelled', { by: 'system:filled', reason: null, unacknowledged: [] }]]),
  ...Array(2).fill(() => []),
];

/** PostgreSQL of its own below `home`, where `npm start` would have it, with everything that it takes to record and read executions; what was filled there before is kept. */
export async function open(home) {
  const postgres = await startEmbeddedPostgres({ dataFolder: join(home, 'postgres') });
  const url = postgres.connectionString;
  const postgresPid = Number((await readFile(join(home, 'postgres/cluster/postmaster.pid'), 'utf8')).split('\n')[0]);
  const database = await createDatabase({ url, poolSize: 8 });
  const catalog = new Catalog(database);
  const logger = createLogger('bench', { logLevel: 'error' });
  const workspaceId = (await catalog.seedDefaults()).workspace.id;
  const nodes = NODES.map((id) => ({ id, type: 'transform', name: id, config: { expression: '1' } }));
  const workflows = [];
  for (let i = 0; i < WORKFLOWS; i++) {
    const workflow = await catalog.workflow(workspaceId, `bench_${i}`);
    const version = workflow && (await catalog.workflowVersionByNumber(workspaceId, workflow.id, 1));
    workflows.push(
      workflow ? { workflow, version } : await catalog.createWorkflow({ workspaceId, definition: { key: `bench_${i}`, name: `Bench ${i}`, nodes, edges: [] }, by: null, at: 1 }),
    );
  }
  const log = createPostgresLog({ connectionString: url });
  await log.start();
  const recorder = new Recorder(log, workspaceId);
  await recorder.start();
  const queries = new QueriesService({ database, log, catalog, logger });
  await queries.start();
  const partitions = log.partitions('execution-events');
  /** Of this run; `n` of the first one is as many as there were before. */
  const ids = [];
  const before = (await database.query('select count(*)::int as n from executions'))[0].n;
  const [someone] = await database.query('select id from executions limit 1');
  const begun = Date.now();

  /** Execution number `n`, a second after the one before: version 7 when it has ended, 6 while it runs. */
  const historyOf = (id, n) => {
    const { workflow, version } = workflows[n % 7 === 0 ? 0 : n % WORKFLOWS];
    const at = begun - 30 * 86_400_000 + n * 1_000;
    return recorder.encode(
      id,
      [
        'ExecutionCreated',
        createdData({
          workflow_id: workflow.id,
          workflow_version_id: version.id,
          name: `Bench ${n}`,
          key: `bench_${n}`,
          hashid: `h${n}`,
          run_number: n,
          input: { n, text: 'x'.repeat(200) },
          tags: [`t${n % 50}`],
          user_id: `user_${n % 1_000}`,
          session_id: n % 3 === 0 ? `session_${n % 10_000}` : null,
          metadata: { customer: `c${n % 5_000}`, region: n % 2 ? 'eu' : 'us' },
        }),
        at,
      ],
      ['ExecutionQueued', { queue_name: null }, at],
      ['ExecutionStarted', {}, at + 1],
      ...NODES.map((node_id, i) => ['NodeCompleted', { node_id, attempt: 1, output: { n, i }, inline: true }, at + 2 + i]),
      ...endings[(n * 37) % 100](n).map(([type, data]) => [type, data, at + 6 + (n % 500)]),
    );
  };

  /** Records so many more; resolves with their ids. */
  const record = async (count) => {
    const made = Array.from({ length: count }, () => uuidv7());
    const groups = Map.groupBy(made, (id) => partitionOf(id, partitions));
    await Promise.all(
      [...groups.values()].map((some) =>
        recorder.append(
          some[0],
          some.flatMap((id) => historyOf(id, before + ids.push(id))),
        ),
      ),
    );
    return made;
  };

  /** Resolves when the read models have folded everything that is recorded. */
  const level = async () => {
    for (let partition = 0; partition < partitions; partition++) {
      const fresh = { partition, offset: await log.end('execution-events', partition), timeoutMs: 60_000 };
      while ((await queries.reads.execution({ workspaceId, ref: ids[0] ?? someone.id, nodes: false, fresh })).stale);
    }
  };

  /** Some of what is there, for questions about single ones. */
  const sample = [];

  /** Records until there are `total`, the projection close behind. */
  const fill = async (total, say = () => undefined) => {
    const there = () => before + ids.length;
    while (there() < total) {
      await record(Math.min(500, total - there()));
      if (there() % 10_000 === 0) await level();
      if (there() % 50_000 === 0) say(`recorded and projected ${there().toLocaleString('en')}`);
    }
    await level();
    if (ids.length > 0) await database.query('vacuum (analyze)');
    sample.push(...(await database.query('select id from executions order by md5(id::text) limit 200')).map(({ id }) => id));
  };

  const close = async () => {
    await recorder.stop();
    await queries.stop();
    await log.stop();
    await database.close();
    await postgres.stop();
  };
  return { url, postgresPid, database, catalog, logger, log, queries, workspaceId, workflows, ids, sample, record, level, fill, close };
}

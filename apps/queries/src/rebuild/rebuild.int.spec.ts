import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPostgresLog, type EventLog, type NewRecord, partitionOf } from '@runlog/event-log';
import type { CreatedData } from '@runlog/execution';
import { createLogger } from '@runlog/platform';
import { Catalog, createDatabase, type Database } from '@runlog/read-model';
import { startTestDatabase, type TestDatabase } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';
import { QueriesService } from '../queries.service.js';
import { createdData, Recorder } from '../testing/recorder.js';
import { verifyReadModel } from '../verify.js';
import { rebuiltTables } from './beside.js';
import { type RebuildProgress, rebuildExecutions } from './rebuild.js';

const logger = createLogger('rebuild-spec', { logLevel: 'fatal' });
const EXECUTIONS = 3_000;

describe('rebuild', () => {
  let server: TestDatabase;
  let database: Database;
  let log: EventLog;
  /** The log as another process has it. */
  let otherLog: EventLog;
  let catalog: Catalog;
  let queries: QueriesService;
  let recorder: Recorder;
  let workspaceId: string;
  let pinned: Pick<CreatedData, 'workflow_id' | 'workflow_version_id'>;
  const ids: string[] = [];

  beforeAll(async () => {
    server = await startTestDatabase();
    database = await createDatabase({ url: server.connectionString });
    catalog = new Catalog(database);
    workspaceId = (await catalog.seedDefaults()).workspace.id;
    const definition = { key: 'workflow', name: 'Workflow', nodes: ['a', 'b'].map((id) => ({ id, type: 'code', name: id.toUpperCase(), config: {} })), edges: [] };
    const { workflow, version } = await catalog.createWorkflow({ workspaceId, definition, by: null, at: 1 });
    pinned = { workflow_id: workflow.id, workflow_version_id: version.id };
    log = createPostgresLog({ connectionString: server.connectionString });
    otherLog = createPostgresLog({ connectionString: server.connectionString });
    await Promise.all([log.start(), otherLog.start()]);
    recorder = new Recorder(log, workspaceId);
    await recorder.start();
    queries = new QueriesService({ database, log, catalog, logger });
    await queries.start();
    for (let n = 0; n < EXECUTIONS; n += 500) await recordSome(500);
    await level();
  }, 60_000);

  afterAll(async () => {
    await recorder.stop();
    await queries.stop();
    await Promise.all([log.stop(), otherLog.stop()]);
    await database.close();
    await server.stop();
  });

  const history = (id: string, n: number): NewRecord[] => [
    ...recorder.encode(
      id,
      ['ExecutionCreated', createdData({ ...pinned, key: `workflow_${n}`, hashid: `h${n}`, tags: [`tag ${n % 7}`], metadata: { n: n % 11 }, agent_id: n % 2 ? 'agent' : null })],
      ['ExecutionQueued', { queue_name: null }],
      ['ExecutionStarted', {}],
      ['NodeCompleted', { node_id: 'a', attempt: 1, output: { n, text: 'a"\u0000' }, inline: true }],
    ),
    ...(n % 3 === 0
      ? recorder.encode(id, [
          'ApprovalRequested',
          { node_id: 'b', attempt: 1, gate_id: 'b.1', prompt: 'b?', schema: null, approvers: null, expires_at: null, on_expiry: 'fail', on_reject: 'reject', reminders_at: [] },
        ])
      : recorder.encode(id, ['ExecutionCompleted', { output: n }])),
  ];

  const recordSome = async (count: number): Promise<string[]> => {
    const made = Array.from({ length: count }, () => uuidv7());
    const byPartition = Map.groupBy(made, (id) => partitionOf(id, log.partitions('execution-events')));
    await Promise.all(
      [...byPartition.values()].map((some) =>
        recorder.append(
          some[0] as string,
          some.flatMap((id) => history(id, ids.push(id))),
        ),
      ),
    );
    return made;
  };

  const level = async (): Promise<void> => {
    for (let partition = 0; partition < log.partitions('execution-events'); partition++) {
      const { stale } = (await queries.reads.execution({
        workspaceId,
        ref: ids.find((id) => partitionOf(id, log.partitions('execution-events')) === partition) as string,
        nodes: false,
        fresh: { partition, offset: await log.end('execution-events', partition), timeoutMs: 20_000 },
      })) ?? { stale: true };
      if (stale) throw new Error(`Expected partition ${partition} to be level, but it is not`);
    }
  };

  /** Of every row of every table that is rebuilt. */
  const checksums = async (): Promise<Record<string, unknown>> =>
    Object.fromEntries(
      await Promise.all(
        rebuiltTables.map(async (table) => [table, (await database.query(`select count(*), md5(string_agg(md5(t::text), '' order by md5(t::text))) as sum from ${table} t`))[0]]),
      ),
    );
  const rebuild = (onProgress?: (progress: RebuildProgress) => void) =>
    rebuildExecutions({ database, databaseUrl: server.connectionString, log: otherLog, catalog, logger, ...(onProgress && { onProgress }) });
  const drift = async () => (await verifyReadModel({ log: otherLog, database, catalog })).drift;
  const names = async () =>
    (await database.query(`select schemaname, tablename, indexname, indexdef from pg_indexes where schemaname not in ('pg_catalog', 'runlog_log') order by 1, 2, 3`)) as unknown[];

  it('gives the same rows and indexes', async () => {
    const [before, namesBefore] = [await checksums(), await names()];
    const rebuilt = await rebuild();
    expect(rebuilt.records).toBeGreaterThan(EXECUTIONS * 5);
    expect(await checksums()).toEqual(before);
    expect(await names()).toEqual(namesBefore);
    expect(await drift()).toEqual([]);
  }, 20_000);
});

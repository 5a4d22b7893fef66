import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createPostgresLog, type EventLog, partitionOf } from '@runlog/event-log';
import { createDatabase, type Database } from '@runlog/read-model';
import { startTestDatabase, type TestDatabase } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';
import { createdData, Recorder } from '../testing/recorder.js';
import { verifyLeases } from './leases-check.js';

const workspaceId = uuidv7();
let server: TestDatabase;
let database: Database;
let log: EventLog;
let recorder: Recorder;
const [waits, granted, runs, asked, ended] = Array.from({ length: 5 }, () => uuidv7()) as [string, string, string, string, string];

beforeAll(async () => {
  server = await startTestDatabase();
  database = await createDatabase({ url: server.connectionString });
  log = createPostgresLog({ connectionString: server.connectionString });
  await log.start();
  recorder = new Recorder(log, workspaceId);
  await recorder.start();
  for (const id of [waits, granted, runs, asked, ended])
    await recorder.record(
      id,
      ['ExecutionCreated', createdData({ workflow_id: uuidv7(), workflow_version_id: uuidv7(), queue_name: 'mail' })],
      ['ExecutionQueued', { queue_name: 'mail', concurrency_key: null, priority: 0, ttl_seconds: null }],
    );
  for (const id of [runs, asked, ended]) await recorder.record(id, ['ExecutionStarted', {}]);
  await recorder.record(asked, ['ExecutionSuspended', { status: 'awaiting_approval', reason: 'approval' }]);
  await recorder.record(ended, ['ExecutionCompleted', { output: null }]);
  for (let partition = 0; partition < log.partitions('execution-events'); partition++)
    await database.query("insert into scheduler_progress values ($1, 1, '', $2, -1, '')", [partition, await log.end('execution-events', partition)]);
}, 60_000);

afterAll(async () => {
  await recorder.stop();
  await log.stop();
  await database.close();
  await server.stop();
});

const home = (id: string): number => partitionOf(id, log.partitions('execution-events'));
const lease = (id: string, confirmed: boolean, ticket = 2) =>
  database.query(
    "insert into scheduler_leases (execution_id, partition, workspace_id, queue, key, ticket, queued_at, granted_at, confirmed) values ($1, $2, $3, 'mail', '', $4, 1, 1, $5)",
    [id, home(id), workspaceId, ticket, confirmed],
  );
/** What the scheduler would have written of them. */
const written = async (): Promise<void> => {
  for (const table of ['scheduler_leases', 'scheduler_waiting', 'scheduler_queues', 'scheduler_queue_keys']) await database.query(`delete from ${table}`);
  await database.query("insert into scheduler_waiting (execution_id, partition, workspace_id, queue, key, ticket, place, queued_at) values ($1, $2, $3, 'mail', '', 2, 1, 1)", [
    waits,
    home(waits),
    workspaceId,
  ]);
  await lease(granted, false);
  await lease(runs, true);
  await database.query("insert into scheduler_queues (workspace_id, name, held, waiting, key_slots) values ($1, 'mail', 2, 1, 1)", [workspaceId]);
  await database.query("insert into scheduler_queue_keys values ($1, 'mail', '', 2, 1, 1, 0, true)", [workspaceId]);
};
const drift = async (): Promise<string[]> => (await verifyLeases(log, database)).map(({ executionId }) => executionId);

describe('leases', () => {
  it('are the fold of the log: whoever waits, was granted a slot, or runs', async () => {
    await written();
    expect(await verifyLeases(log, database)).toEqual([]);
  });

  it.each([
    ['a slot of one that has ended', () => lease(ended, true), [() => ended]],
    ['a slot of one that is suspended', () => lease(asked, true), [() => asked]],
    ['one that runs without a slot', () => database.query('delete from scheduler_leases where execution_id = $1', [runs]), [() => runs]],
    ['one that neither waits nor holds', () => database.query('delete from scheduler_waiting'), [() => waits]],
    ['a slot for another time', () => database.query('update scheduler_leases set ticket = 1 where execution_id = $1', [runs]), [() => runs]],
  ] as const)('%s shows', async (_, plant, [who]) => {
    await written();
    await plant();
    expect((await drift()).filter((one) => !one.startsWith('sums'))).toEqual([who()]);
  });

  it('add up to the sums of their queue', async () => {
    await written();
    await database.query('update scheduler_queues set held = 3');
    expect(await drift()).toEqual([expect.stringMatching(/^sums of queue 'mail' of workspace/)]);
  });
});

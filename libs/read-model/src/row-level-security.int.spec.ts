import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestDatabase, type TestDatabase } from '@runlog/testing';
import { uuidv7 } from 'uuidv7';
import { Catalog } from './catalog.js';
import { createDatabase, type Database } from './database.js';

let server: TestDatabase;
let database: Database;
const [ours, theirs] = [uuidv7(), uuidv7()];
const [ourRun, theirRun] = [uuidv7(), uuidv7()];

/** Tables that hold what belongs to a workspace and that no request reads for a tenant: keys are looked up before one is known, the others are the services' own. */
const servicesOwn = ['api_keys', 'idempotency_keys', 'workspaces', 'body_references', 'scheduler_executions', 'scheduler_successions', 'scheduler_queue_keys', 'scheduler_waiting'];

beforeAll(async () => {
  server = await startTestDatabase();
  database = await createDatabase({ url: await server.fresh(), poolSize: 4 });
  await new Catalog(database).seedDefaults();
  for (const [workspace, run] of [
    [ours, ourRun],
    [theirs, theirRun],
  ] as const) {
    await database.query(
      "insert into execution_events (execution_id, version, id, type, schema_version, at, previous, command_id, command_offset, workspace_id, value) values ($1, 1, 'x', 'ExecutionCreated', 1, 1, '', 'c', 1, $2, '{}')",
      [run, workspace],
    );
    await database.query("insert into execution_lines (execution_id, workspace_id, dedupe, lines) values ($1, $2, 'd', '[]')", [run, workspace]);
    await database.query("insert into execution_logs (execution_id, workspace_id, at, level, message, fields, dedupe) values ($1, $2, 1, 'info', 'm', '{}', 'd')", [
      run,
      workspace,
    ]);
  }
}, 120_000);

afterAll(async () => {
  await database?.close();
  await server?.stop();
}, 60_000);

describe('row-level security', () => {
  it('shows a tenant its own rows to a statement without any filter', async () => {
    for (const table of ['execution_events', 'execution_logs', 'execution_lines']) {
      expect(await database.tenant(ours).query(`select execution_id from ${table}`)).toEqual([{ execution_id: ourRun }]);
      expect(await database.tenant(theirs).query(`select execution_id from ${table}`)).toEqual([{ execution_id: theirRun }]);
      expect(await database.tenant(uuidv7()).query(`select execution_id from ${table}`)).toEqual([]);
      expect(await database.query(`select from ${table}`)).toHaveLength(2);
    }
  });

  it('keeps to the tenant of each statement when many share few connections', async () => {
    const asked = Array.from({ length: 200 }, (_, n) => (n % 3 ? ours : theirs));
    const seen = await Promise.all(asked.map((workspace) => database.tenant(workspace).query('select workspace_id from execution_events')));
    expect(seen.map(([row]) => row?.workspace_id)).toEqual(asked);
  });

  it.each([
    'insert into execution_log_tips select execution_id, 1, null from execution_logs',
    'update execution_events set at = 2',
    'delete from execution_events',
    'select hash from api_keys',
    'select * from idempotency_keys',
  ])('refuses a tenant: %s', async (statement) => {
    await expect(database.tenant(ours).query(statement)).rejects.toThrow('permission denied');
  });

  it('is forced on every table that belongs to workspaces, but for the named ones of the services', async () => {
    const tables = await database.query<{ name: string; forced: boolean }>(`
      select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind = 'r' and (c.relname = 'workspaces' or exists (
        select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped)) order by 1`);
    expect(tables.filter(({ forced }) => !forced).map(({ name }) => name)).toEqual([...servicesOwn].sort());
  });
});

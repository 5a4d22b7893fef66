import pg from 'pg';
import { DataSource } from 'typeorm';
import { Agent, AgentVersion, ApiKey, Pod, Secret, User, Workflow, WorkflowVersion, Workspace } from './catalog/entities.js';
import { migrations } from './migrations/index.js';
import { onClient } from './on-client.js';
import { TenantPool } from './tenant-pool.js';

/** Runs one statement; `name` makes it a prepared one (hot paths). `bigint` columns arrive as numbers. */
export interface Sql {
  query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[], name?: string): Promise<Row[]>;
}

/** PostgreSQL as every station uses it: TypeORM for entities and migrations, its own pool for batched SQL. */
export interface Database extends Sql {
  readonly dataSource: DataSource;
  readonly pool: pg.Pool;
  /** One transaction on one connection; rolled back when `work` rejects. */
  transaction<Result>(work: (sql: Sql) => Promise<Result>): Promise<Result>;
  /** Reads as role `runlog_tenant`: row-level security shows the rows of this workspace and no others, whatever a statement asks for. */
  tenant(workspaceId: string): Sql;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database` */
  readonly url: string;
  /** Connections at most; default 10. */
  readonly poolSize?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
}

const INT8 = 20;
const types = { getTypeParser: (oid: number, format?: 'text' | 'binary') => (oid === INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format as 'text')) };

/** Any number that all services agree on. */
const MIGRATION_LOCK = 7_095_114_103;

/** Connects, and brings the schema up to date under an advisory lock: whichever service boots first migrates, the others wait for it. */
export const createDatabase = async ({ url, poolSize = 10, applicationName = 'runlog' }: DatabaseOptions): Promise<Database> => {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    poolSize,
    applicationName,
    entities: [Workspace, Pod, User, ApiKey, Workflow, WorkflowVersion, Agent, AgentVersion, Secret],
    migrations: [...migrations],
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    extra: { types, keepAlive: true },
  });
  await dataSource.initialize();
  try {
    await migrate(dataSource, url);
  } catch (cause) {
    await dataSource.destroy();
    throw cause;
  }
  return databaseOf(dataSource, new TenantPool({ url, poolSize, applicationName, types }));
};

/**
 * The same database with `schema` before `public`: tables there hide those of the same name. Nothing is migrated, and commits don't wait for
 * the disk: for what is thrown away after a crash anyway.
 */
export const openBeside = async ({ url, poolSize = 4, applicationName = 'runlog', schema }: DatabaseOptions & { readonly schema: string }): Promise<Database> => {
  const options = `-c search_path=${schema},public -c synchronous_commit=off -c jit=off`;
  const dataSource = new DataSource({ type: 'postgres', url, poolSize, applicationName, extra: { types, keepAlive: true, options } });
  return databaseOf(await dataSource.initialize(), new TenantPool({ url, poolSize, applicationName, types, schema }));
};

const migrate = async (dataSource: DataSource, url: string): Promise<void> => {
  const lock = new pg.Client({ connectionString: url });
  lock.on('error', () => undefined);
  await lock.connect();
  try {
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations();
  } finally {
    await lock.end();
  }
};

const sqlOf = (queryable: pg.Pool | pg.PoolClient): Sql => ({
  query: async <Row>(text: string, values?: readonly unknown[], name?: string) =>
    (await queryable.query(name === undefined ? { text, values: values as unknown[] } : { name, text, values: values as unknown[] })).rows as Row[],
});

const databaseOf = (dataSource: DataSource, tenants: TenantPool): Database => {
  const pool = (dataSource.driver as unknown as { master: pg.Pool }).master;
  return {
    ...sqlOf(pool),
    dataSource,
    pool,
    transaction: (work) =>
      onClient(pool, async (client, broke) => {
        try {
          await client.query('begin');
          const result = await work(sqlOf(client));
          await client.query('commit');
          return result;
        } catch (cause) {
          await client.query('rollback').catch(broke);
          throw cause;
        }
      }),
    tenant: (workspaceId) => ({ query: async (text, values, name) => tenants.as(workspaceId, (client) => sqlOf(client).query(text, values, name)) }),
    close: async () => {
      await tenants.close();
      await dataSource.destroy();
    },
  };
};

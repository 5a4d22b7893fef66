import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@runlog/platform';
import pg from 'pg';

/** A real PostgreSQL for one spec file, gone with it. */
export interface TestDatabase {
  readonly connectionString: string;
  /** A new, empty database on the same server; resolves with its connection string. */
  fresh(): Promise<string>;
  /** Stops the server (default: as in a crash) and starts it again on the same port with the same data. */
  restart(mode?: 'fast' | 'immediate'): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The server that DATABASE_URL names, else one of its own. `own`: in any case one of its own, which alone can restart; `durable`: with
 * fsync, for tests of what a crash leaves (default false, which is faster).
 */
export const startTestDatabase = async (options: { readonly durable?: boolean; readonly own?: boolean } = {}): Promise<TestDatabase> => {
  const given = process.env.DATABASE_URL;
  return given && !options.own ? onServer(given) : startOwn(options);
};

/** Databases of random names on a server that is there, dropped at the end. */
const onServer = async (url: string): Promise<TestDatabase> => {
  const made: string[] = [];
  const run = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(sql).finally(() => client.end());
  };
  const fresh = async (): Promise<string> => {
    const name = `runlog_test_${randomBytes(6).toString('hex')}`;
    await run(`create database ${name}`);
    made.push(name);
    return Object.assign(new URL(url), { pathname: `/${name}` }).href;
  };
  return {
    connectionString: await fresh(),
    fresh,
    restart: () => Promise.reject(new Error('Expected to restart PostgreSQL, but DATABASE_URL names a server that is not ours: ask for one with `own`')),
    stop: async () => {
      for (const name of made) await run(`drop database ${name} with (force)`);
    },
  };
};

const startOwn = async (options: { readonly durable?: boolean }): Promise<TestDatabase> => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'runlog-postgres-'));
  await chmod(dataFolder, 0o755);
  const durable = options.durable ?? false;
  let server: EmbeddedPostgres = await startEmbeddedPostgres({ dataFolder, durable });
  let databases = 0;
  return {
    connectionString: server.connectionString,
    fresh: () => server.database(`fresh_${++databases}`),
    restart: async (mode = 'immediate') => {
      await server.stop(mode);
      server = await startEmbeddedPostgres({ dataFolder, durable, port: server.port });
    },
    stop: async () => {
      await server.stop('immediate');
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
};

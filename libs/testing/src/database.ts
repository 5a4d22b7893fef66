import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@runlog/platform';

/** A real PostgreSQL for one spec file, gone with it. */
export interface TestDatabase {
  readonly connectionString: string;
  /** A new, empty database on the same server; resolves with its connection string. */
  fresh(): Promise<string>;
  /** Stops the server (default: as in a crash) and starts it again on the same port with the same data. */
  restart(mode?: 'fast' | 'immediate'): Promise<void>;
  stop(): Promise<void>;
}

/** @param options `durable`: with fsync, for tests of what a crash leaves; default false, which is faster. */
export const startTestDatabase = async (options: { readonly durable?: boolean } = {}): Promise<TestDatabase> => {
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

import { type ArtifactStore, fileArtifacts } from '@runlog/artifacts';
import { createPostgresLog, type EventLog, openKafkaLog } from '@runlog/event-log';
import { Catalog, createDatabase, type Database } from '@runlog/read-model';
import type { Platform } from './bootstrap.js';

/** What every station stands on: the log, the database and the catalog in it. */
export interface Backbone {
  readonly log: EventLog;
  readonly database: Database;
  readonly catalog: Catalog;
  readonly artifacts: ArtifactStore;
}

/**
 * Connects a process to the database and to the log that its settings name (Kafka, else the database), with their health checks and
 * the steps that disconnect. Throws when there is no database: a service of a cluster does not start one of its own.
 */
export const connectBackbone = async ({ name, config, logger, health, shutdown }: Platform, databaseUrl = config.databaseUrl): Promise<Backbone> => {
  if (!databaseUrl) throw new Error('Expected DATABASE_URL to say where PostgreSQL is, but it is not set');
  const database = await createDatabase({ url: databaseUrl, poolSize: config.databasePool, applicationName: `runlog ${name}` });
  shutdown.add('database', () => database.close());
  const { partitions, adoptsPartitions, instance, kafkaBrokers: brokers } = config;
  const log =
    brokers.length > 0
      ? await openKafkaLog({ brokers, clientId: `runlog-${name}`, partitions, adoptsPartitions, instance, logger })
      : createPostgresLog({ connectionString: databaseUrl, partitions, adoptsPartitions, logger });
  shutdown.add('log', () => log.stop());
  await log.start();
  health.add('log', () => log.healthy());
  health.add('database', async () => (await database.query('select 1')).length === 1);
  const artifacts = fileArtifacts(config.artifacts, config.artifactLimitBytes);
  health.add('artifacts', () => artifacts.health());
  return { log, database, catalog: new Catalog(database), artifacts };
};

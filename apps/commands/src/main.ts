import { createKafkaLog, createPostgresLog } from '@runlog/event-log';
import { bootstrapService } from '@runlog/platform';
import { Catalog, createDatabase } from '@runlog/read-model';
import { CommandsModule } from './commands.module.js';
import { CommandsService } from './commands.service.js';
import { exposeCommands } from './metrics.js';

await bootstrapService('commands', async ({ config, logger, health, metrics, shutdown }) => {
  const { databaseUrl: url, databasePool: poolSize, kafkaBrokers: brokers, partitions } = config;
  if (!url) throw new Error('Expected DATABASE_URL, but it is not set: a service of a cluster does not start a database of its own');
  const database = await createDatabase({ url, poolSize, applicationName: 'runlog commands' });
  shutdown.add('database', () => database.close());
  const log = brokers.length > 0 ? createKafkaLog({ brokers, clientId: 'commands', partitions, logger }) : createPostgresLog({ connectionString: url, partitions, logger });
  shutdown.add('log', () => log.stop());
  await log.start();
  const service = new CommandsService({ log, database, catalog: new Catalog(database), logger, onHalted: () => void shutdown.run('a partition halted', 1) });
  exposeCommands(metrics, service);
  health.add('log', () => log.healthy());
  health.add('database', async () => (await database.query('select 1')).length === 1);
  health.add('partitions', () => service.standings().every(({ ready }) => ready) || service.describe().join('; '), 'ready');
  return { module: CommandsModule.of(service) };
});

import { createKafkaLog, createPostgresLog } from '@runlog/event-log';
import { bootstrapService } from '@runlog/platform';
import { Catalog, createDatabase, ReadsClient } from '@runlog/read-model';
import { GatewayModule } from './gateway.module.js';
import { openGateway } from './http/application.js';

await bootstrapService('gateway', async ({ config, logger, health, metrics, shutdown }) => {
  const { databaseUrl: url, databasePool: poolSize, kafkaBrokers: brokers, partitions, queriesUrls: addresses } = config;
  if (!url) throw new Error('Expected DATABASE_URL, but it is not set: a service of a cluster does not start a database of its own');
  const database = await createDatabase({ url, poolSize, applicationName: 'runlog-gateway' });
  shutdown.add('database', () => database.close());
  const log = brokers.length > 0 ? createKafkaLog({ brokers, clientId: 'gateway', partitions, logger }) : createPostgresLog({ connectionString: url, partitions, logger });
  await log.start();
  shutdown.add('log', () => log.stop());
  const reads = new ReadsClient({ addresses });
  shutdown.add('reads', () => reads.close());
  health.add('log', () => log.healthy());
  health.add('database', async () => (await database.query('select 1')).length === 1);
  const module = GatewayModule.register({ log, reads, catalog: new Catalog(database), sealing: undefined as never, config, logger, health, metrics });
  return { module, open: (root, options) => openGateway(root, { ...options, host: config.host, port: config.port }) };
});

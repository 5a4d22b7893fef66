import type { MicroserviceOptions } from '@nestjs/microservices';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { createKafkaLog, createPostgresLog } from '@runlog/event-log';
import { bootstrapService } from '@runlog/platform';
import { Catalog, createDatabase } from '@runlog/read-model';
import { QueriesModule } from './queries.module.js';
import { QueriesService } from './queries.service.js';

await bootstrapService('queries', async ({ config, logger, health, metrics, shutdown }) => {
  if (!config.databaseUrl) throw new Error('Expected DATABASE_URL to say where the read models are, but it is not set');
  const database = await createDatabase({ url: config.databaseUrl, poolSize: config.databasePool, applicationName: 'runlog queries' });
  shutdown.add('database', () => database.close());
  const log = config.kafkaBrokers.length > 0
    ? createKafkaLog({ brokers: config.kafkaBrokers, clientId: 'queries', partitions: config.partitions, logger })
    : createPostgresLog({ connectionString: config.databaseUrl, partitions: config.partitions, logger });
  shutdown.add('log', () => log.stop());
  await log.start();
  health.add('log', () => log.healthy());
  health.add('database', async () => (await database.query('select 1')).length === 1);
  const service = new QueriesService({ database, log, catalog: new Catalog(database), logger, health, metrics });
  return {
    module: QueriesModule.of(service),
    open: async (module, options) => {
      const tcp: MicroserviceOptions = { transport: Transport.TCP, options: { host: config.host, port: config.queriesPort } };
      const app = await NestFactory.createMicroservice(module, { ...options, ...tcp });
      await app.listen();
      logger.info({ host: config.host, port: config.queriesPort }, 'answering reads');
      return app;
    },
  };
});

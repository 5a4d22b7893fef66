import { createKafkaLog, createPostgresLog } from '@runlog/event-log';
import { bootstrapService } from '@runlog/platform';
import { Catalog, createDatabase } from '@runlog/read-model';
import { SchedulerModule } from './scheduler.module.js';
import { SchedulerService } from './scheduler.service.js';

await bootstrapService('scheduler', async ({ config, logger, health, metrics, shutdown }) => {
  const { databaseUrl: url, databasePool: poolSize, kafkaBrokers: brokers, partitions, heartbeatTimeoutMs } = config;
  if (!url) throw new Error('Expected DATABASE_URL, but it is not set: a service of a cluster does not start a database of its own');
  const database = await createDatabase({ url, poolSize, applicationName: 'runlog-scheduler' });
  shutdown.add('database', () => database.close());
  const log = brokers.length > 0 ? createKafkaLog({ brokers, clientId: 'scheduler', partitions, logger }) : createPostgresLog({ connectionString: url, partitions, logger });
  shutdown.add('log', () => log.stop());
  await log.start();
  const scheduler = new SchedulerService({
    log,
    database,
    definitions: new Catalog(database),
    logger,
    heartbeatTimeoutMs,
    metrics,
    onFatal: (error) => void shutdown.run(error.message, 1),
  });
  health.add('log', () => log.healthy());
  health.add('database', async () => (await database.query('select 1')).length === 1);
  health.add('caught up', () => scheduler.isCaughtUp || 'reading what was missed');
  return { module: SchedulerModule.of(scheduler) };
});

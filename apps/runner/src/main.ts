import { Bodies, fileArtifacts } from '@runlog/artifacts';
import { priceList } from '@runlog/cost';
import { createPostgresLog, openKafkaLog } from '@runlog/event-log';
import { bootstrapService } from '@runlog/platform';
import { Catalog, createDatabase, SecretBox, secretKeyIn } from '@runlog/read-model';
import { storedMemory } from './agent/memory.js';
import { exposeRunner } from './metrics.js';
import { RunnerModule } from './runner.module.js';
import { RunnerService } from './runner.service.js';
import { catalogSecrets } from './secret-store.js';

await bootstrapService('runner', async ({ config, logger, health, metrics, shutdown }) => {
  const { databaseUrl: url, databasePool: poolSize, kafkaBrokers: brokers, partitions, adoptsPartitions, instance } = config;
  if (!url) throw new Error('Expected DATABASE_URL, but it is not set: a service of a cluster does not start a database of its own');
  const database = await createDatabase({ url, poolSize, applicationName: 'runlog runner' });
  shutdown.add('database', () => database.close());
  const log =
    brokers.length > 0
      ? await openKafkaLog({ brokers, clientId: 'runner', partitions, adoptsPartitions, instance, logger })
      : createPostgresLog({ connectionString: url, partitions, adoptsPartitions, logger });
  shutdown.add('log', () => log.stop());
  await log.start();
  const secrets = catalogSecrets(new Catalog(database), new SecretBox(await secretKeyIn(config.home, config.secretKey)));
  const artifacts = fileArtifacts(config.artifacts, config.artifactLimitBytes);
  health.add('artifacts', () => artifacts.health());
  const settings = { slots: config.runnerSlots, egressAllow: config.egressAllow, mcpServers: config.mcpServers };
  const service = new RunnerService({ log, secrets, artifacts, memory: storedMemory(database, log, new Bodies(artifacts)), prices: priceList(config.prices), logger, settings });
  exposeRunner(metrics, service);
  health.add('log', () => log.healthy());
  return { module: RunnerModule.of(service) };
});

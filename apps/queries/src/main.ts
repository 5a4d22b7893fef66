import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import { bootstrapService, connectBackbone } from '@runlog/platform';
import { QueriesModule } from './queries.module.js';
import { QueriesService } from './queries.service.js';
import { ReadsController } from './reads.controller.js';

await bootstrapService('queries', async (platform) => {
  const { config, logger, health, metrics } = platform;
  const { log, database, catalog, artifacts } = await connectBackbone(platform);
  const collected = { artifacts, graceMs: config.artifactGraceMs };
  const { framesKeptMs } = config;
  const service = new QueriesService({ database, log, catalog, collected, framesKeptMs, traces: config.traces, logger, health, metrics });
  return {
    module: QueriesModule.of(service, [ReadsController]),
    open: async (module, options) => {
      const tcp: MicroserviceOptions = { transport: Transport.TCP, options: { host: config.host, port: config.queriesPort } };
      const app = await NestFactory.createMicroservice(module, { ...options, ...tcp });
      await app.listen();
      logger.info({ host: config.host, port: config.queriesPort }, 'answering reads');
      return app;
    },
  };
});

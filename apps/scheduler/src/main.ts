import { bootstrapService, connectBackbone } from '@runlog/platform';
import { SchedulerModule } from './scheduler.module.js';
import { SchedulerService } from './scheduler.service.js';

await bootstrapService('scheduler', async (platform) => {
  const { config, logger, health, metrics, shutdown } = platform;
  const { log, database, catalog } = await connectBackbone(platform);
  const { heartbeatTimeoutMs } = config;
  const scheduler = new SchedulerService({ log, database, definitions: catalog, logger, heartbeatTimeoutMs, metrics, onFatal: (error) => void shutdown.run(error.message, 1) });
  health.add('caught up', () => scheduler.isCaughtUp || 'reading what was missed');
  return { module: SchedulerModule.of(scheduler) };
});

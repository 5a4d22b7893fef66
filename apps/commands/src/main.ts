import { bootstrapService, connectBackbone } from '@runlog/platform';
import { CommandsModule } from './commands.module.js';
import { CommandsService } from './commands.service.js';
import { exposeCommands } from './metrics.js';

await bootstrapService('commands', async (platform) => {
  const { config, logger, health, metrics, shutdown } = platform;
  const { log, database, catalog, artifacts } = await connectBackbone(platform);
  const service = new CommandsService({ log, database, catalog, artifacts, logger, legs: config.legs, onHalted: () => void shutdown.run('a partition halted', 1) });
  exposeCommands(metrics, service);
  health.add('partitions', () => service.standings().every(({ ready }) => ready) || service.describe().join('; '));
  return { module: CommandsModule.of(service) };
});

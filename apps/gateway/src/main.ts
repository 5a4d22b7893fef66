import { bootstrapService, connectBackbone } from '@runlog/platform';
import { ReadsClient, SecretBox, secretKeyIn } from '@runlog/read-model';
import { GatewayModule } from './gateway.module.js';
import { openGateway } from './http/application.js';

await bootstrapService('gateway', async (platform) => {
  const { config, logger, health, metrics, shutdown } = platform;
  const { log, catalog, artifacts } = await connectBackbone(platform);
  const reads = new ReadsClient({ addresses: config.queriesUrls });
  shutdown.add('reads', () => reads.close());
  const sealing = new SecretBox(await secretKeyIn(config.home, config.secretKey));
  const module = GatewayModule.register({ log, reads, catalog, artifacts, sealing, config, logger, health, metrics });
  return { module, open: (root, options) => openGateway(root, { ...options, host: config.host, port: config.port }) };
});

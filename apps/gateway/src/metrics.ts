import { Gauge, type Registry } from '@runlog/platform';
import type { GatewayService } from './gateway.service.js';

/** What an operator sees of a gateway, beside its requests. */
export const exposeGateway = (registry: Registry, gateway: GatewayService): void => {
  new Gauge({
    name: 'runlog_gateway_open_streams',
    help: 'Event streams that are open',
    registers: [registry],
    collect() {
      this.set(gateway.streams.count);
    },
  });
  new Gauge({
    name: 'runlog_gateway_outstanding_commands',
    help: 'Commands that await their outcome',
    registers: [registry],
    collect() {
      this.set(gateway.commands.outstandingCount);
    },
  });
};

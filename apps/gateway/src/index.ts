export { GatewayModule } from './gateway.module.js';
export { type GatewayDeps, GatewayService } from './gateway.service.js';
export { openGateway, prepareGateway } from './http/application.js';
export { describeOffline } from './openapi/offline.js';

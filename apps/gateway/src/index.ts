export { GatewayModule } from './gateway.module.js';
export { type GatewayDeps, GatewayService } from './gateway.service.js';
export { openGateway, prepareGateway } from './http/application.js';
export { documentOf } from './openapi/docs.js';

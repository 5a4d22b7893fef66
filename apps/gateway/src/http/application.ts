import type { DynamicModule, LoggerService, Type } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import helmet from 'helmet';
import { GatewayService } from '../gateway.service.js';
import { serveDocs } from '../openapi/docs.js';
import { answerMalformedHttp } from './malformed-http.js';
import { requestId } from './request-id.js';
import { traceRequests } from './request-trace.js';
import { RouteTable } from './route-table.js';
import { varies } from './varies.js';

const shown = ['ETag', 'Location', 'Link', 'Retry-After', 'Preference-Applied', 'X-Request-Id', 'Idempotency-Replayed', 'Runlog-Stale', 'Runlog-Lag-Ms'];

/** Nothing from elsewhere, nothing inline. TLS, and with it HSTS, is the business of whatever stands in front. */
const policy = {
  'default-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
  'img-src': ["'self'", 'data:'],
  'object-src': ["'none'"],
};

/** Headers, routes and documents around the controllers. Throws when a route declares no permission. */
export const prepareGateway = (app: NestExpressApplication): void => {
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(requestId);
  const service = app.get(GatewayService);
  app.use(traceRequests(() => service.tracer));
  app.use(varies);
  app.use(
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives: policy },
      frameguard: { action: 'deny' },
      strictTransportSecurity: false,
    }),
  );
  app.enableCors({ origin: '*', exposedHeaders: shown, maxAge: 600 });
  const routes = app.get(RouteTable);
  routes.collect(app.get(ModulesContainer));
  serveDocs(app, routes);
  answerMalformedHttp(app.getHttpServer());
};

/** Opens the application of a module that holds a `GatewayModule`, and its port. */
export const openGateway = async (module: Type | DynamicModule, { host, port, logger }: { host: string; port: number; logger: LoggerService }): Promise<NestExpressApplication> => {
  const app = await NestFactory.create<NestExpressApplication>(module, { logger, bodyParser: false, abortOnError: false });
  prepareGateway(app);
  await app.listen(port, host);
  return app;
};

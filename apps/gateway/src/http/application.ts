import type { DynamicModule, LoggerService, Type } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import helmet from 'helmet';
import { serveDocs } from '../openapi/docs.js';
import { answerMalformedHttp } from './malformed-http.js';
import { requestId } from './request-id.js';
import { RouteTable } from './route-table.js';

const shown = ['ETag', 'Location', 'Link', 'Retry-After', 'Preference-Applied', 'X-Request-Id', 'Idempotency-Replayed', 'Runlog-Stale', 'Runlog-Lag-Ms'];

/** Headers, routes and documents around the controllers. Throws when a route declares no permission. */
export const prepareGateway = (app: NestExpressApplication): void => {
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(requestId);
  app.use(
    helmet({
      contentSecurityPolicy: { directives: { 'script-src': ["'self'"], 'style-src': ["'self'", "'unsafe-inline'"], 'upgrade-insecure-requests': null } },
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

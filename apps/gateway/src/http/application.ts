import type { DynamicModule, LoggerService, Type } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import { GatewayService } from '../gateway.service.js';
import { serveDocs } from '../openapi/docs.js';
import { GatewayAdapter } from './gateway-adapter.js';
import { answerMalformedHttp } from './malformed-http.js';
import { nameRequest } from './request-id.js';
import { traceRequest } from './request-trace.js';
import { RouteTable } from './route-table.js';
import { sayWhatVaries } from './varies.js';

const shown = ['ETag', 'Location', 'Link', 'Retry-After', 'Preference-Applied', 'X-Request-Id', 'Idempotency-Replayed', 'Runlog-Stale', 'Runlog-Lag-Ms'].join(',');

/** Nothing from elsewhere, nothing inline. TLS, and with it HSTS, is the business of whatever stands in front. */
const policy = {
  'default-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
  'img-src': ["'self'", 'data:'],
  'object-src': ["'none'"],
};

/** What helmet sets: the same each time, by thirteen steps. */
const guardingHeaders = (): readonly (readonly [string, string])[] => {
  const headers = new Map<string, string>();
  const noted = { setHeader: (name: string, value: string) => headers.set(name, value), removeHeader: (name: string) => headers.delete(name) };
  const set = helmet({ contentSecurityPolicy: { useDefaults: false, directives: policy }, frameguard: { action: 'deny' }, strictTransportSecurity: false });
  set({} as Request, noted as unknown as Response, () => undefined);
  return [...headers];
};

/** Headers, routes and documents around the controllers. Throws when a route declares no permission. */
export const prepareGateway = (app: NestExpressApplication): void => {
  app.disable('etag');
  app.set('query parser', 'simple');
  app.disable('x-powered-by');
  const service = app.get(GatewayService);
  const guarding = guardingHeaders();
  app.use((request: Request, response: Response, next: NextFunction) => {
    nameRequest(request, response);
    traceRequest(service.tracer, request, response);
    sayWhatVaries(request, response);
    for (const [name, value] of guarding) response.setHeader(name, value);
    next();
  });
  app.enableCors({ origin: '*', exposedHeaders: shown, maxAge: 600 });
  const routes = app.get(RouteTable);
  routes.collect(app.get(ModulesContainer));
  serveDocs(app, routes);
  answerMalformedHttp(app.getHttpServer());
};

/** Opens the application of a module that holds a `GatewayModule`, and its port. */
export const openGateway = async (module: Type | DynamicModule, { host, port, logger }: { host: string; port: number; logger: LoggerService }): Promise<NestExpressApplication> => {
  const app = await NestFactory.create<NestExpressApplication>(module, new GatewayAdapter(), { logger, bodyParser: false, abortOnError: false });
  prepareGateway(app);
  await app.listen(port, host);
  return app;
};

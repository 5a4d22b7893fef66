import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { OpenAPIObject } from '@nestjs/swagger';
import { createLogger, createMetrics, HealthRegistry, readConfig } from '@runlog/platform';
import { GatewayModule } from '../gateway.module.js';
import { type GatewayDeps, GatewayService } from '../gateway.service.js';
import { documentOf } from './docs.js';

/** The OpenAPI document without a log or a database: nothing is started. */
export const describeOffline = async (): Promise<OpenAPIObject> => {
  const config = readConfig({ LOG_LEVEL: 'silent' });
  const parts = { config, logger: createLogger('openapi', config), health: new HealthRegistry(), metrics: createMetrics('openapi') };
  const service = new GatewayService(parts as unknown as GatewayDeps);
  const app: INestApplication = await NestFactory.create(GatewayModule.of(service), { logger: false, preview: true, abortOnError: false });
  return JSON.parse(JSON.stringify(documentOf(app))) as OpenAPIObject;
};

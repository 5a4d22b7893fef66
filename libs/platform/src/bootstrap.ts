import 'reflect-metadata';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type Config, readConfigOrExit } from './config.js';
import { HealthRegistry } from './health.js';
import { createLogger, type Logger, nestLogger } from './logger.js';
import { createMetrics, type Registry } from './metrics.js';
import { ObservationServer } from './observation-server.js';
import { exitOnUncaught, Shutdown } from './shutdown.js';

/** What a process gives to the services in it. */
export interface Platform {
  readonly name: string;
  readonly config: Config;
  readonly logger: Logger;
  readonly health: HealthRegistry;
  readonly metrics: Registry;
  readonly shutdown: Shutdown;
}

/** Settings, logger, health, metrics and the way down of one process, ready before anything else starts. */
export const createPlatform = (name: string, config: Config): Platform => {
  const logger = createLogger(name, config);
  const shutdown = new Shutdown({ logger }).listen();
  exitOnUncaught(logger);
  const health = new HealthRegistry();
  health.add('stopping', () => !shutdown.stopping.aborted || 'stopping', 'ready');
  return { name, config, logger, health, metrics: createMetrics(name), shutdown };
};

/** A service's Nest module and how to open it. */
export interface Service {
  readonly module: Type | DynamicModule;
  /** Default: an application context without a port. Other services open their listener here. */
  open?(module: Type | DynamicModule, options: { logger: ReturnType<typeof nestLogger> }): Promise<INestApplicationContext>;
}

/**
 * Runs one service as a process of a cluster: `main.ts` is this call. `make` connects what the service needs and adds the steps that
 * undo it to `shutdown`. Health and metrics answer from the first moment; ready means opened, not stopping, and every check up.
 */
export const bootstrapService = async (name: string, make: (platform: Platform) => Promise<Service>): Promise<void> => {
  const platform = createPlatform(name, readConfigOrExit(process.env));
  const { config, logger, health, metrics, shutdown } = platform;
  // Whoever runs a cluster on one machine keeps a channel open to each process: when it goes, whatever the way, they go down too.
  if (process.channel) process.once('disconnect', () => void shutdown.run('the launcher ended'));
  let opened = false;
  health.add('opened', () => opened || 'starting', 'ready');
  try {
    const observation = new ObservationServer(health, metrics);
    const address = await observation.listen({ host: config.host, port: config.healthPort });
    shutdown.add('observation', () => observation.close());
    const service = await make(platform);
    const options = { logger: nestLogger(logger), abortOnError: false };
    const app = await (service.open?.(service.module, options) ?? openContext(service.module, options));
    shutdown.add('service', () => app.close());
    opened = true;
    logger.info({ health: address }, 'started');
  } catch (error) {
    logger.fatal({ err: error }, 'could not start');
    await shutdown.run('could not start', 1);
  }
};

const openContext = async (module: Type | DynamicModule, options: { logger: ReturnType<typeof nestLogger> }): Promise<INestApplicationContext> =>
  NestFactory.createApplicationContext(module, options);

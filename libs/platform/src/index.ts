export { bootstrapService, createPlatform, type Platform, type Service } from './bootstrap.js';
export { type Address, type Config, ConfigInvalid, readConfig, readConfigOrExit, settingNames } from './config.js';
export { type HealthCheck, type HealthKind, HealthRegistry, type HealthReport } from './health.js';
export { createLogger, type Logger, nestLogger } from './logger.js';
export { Counter, createMetrics, Gauge, Histogram, Registry } from './metrics.js';
export { ObservationServer } from './observation-server.js';
export { serviceModule, type Startable } from './service-module.js';
export { exitOnUncaught, Shutdown, type ShutdownOptions } from './shutdown.js';

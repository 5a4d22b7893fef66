import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LoggerService } from '@nestjs/common';
import { type Logger, pino } from 'pino';
import type { Config } from './config.js';

export type { Logger } from 'pino';

const SECRET_NAMES = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'secretKey',
  'adminKey',
  'apiKey',
  'token',
  '["x-api-key"]',
  '["kinetic-api-key"]',
  '["set-cookie"]',
  'databaseUrl',
  'connectionString',
];
const atDepth = (prefix: string) => SECRET_NAMES.map((name) => (name.startsWith('[') ? `${prefix}${name}` : prefix ? `${prefix}.${name}` : name));

/** Members that never reach a log line, down to three levels. */
const redactedPaths = [...atDepth(''), ...atDepth('*'), ...atDepth('*.*')];

/**
 * JSON lines to standard error, or to a file; standard output stays free for what people read. Written at once, so that
 * the last line before a crash is there. Known secret members are censored.
 */
export const createLogger = (name: string, { logLevel = 'info', logFile }: Partial<Pick<Config, 'logLevel' | 'logFile'>> = {}): Logger => {
  if (logFile) mkdirSync(dirname(logFile), { recursive: true });
  return pino(
    {
      level: logLevel,
      base: { service: name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactedPaths, censor: '[redacted]' },
    },
    pino.destination({ dest: logFile ?? 2, sync: true }),
  );
};

/** Nest's own messages through our logger: its routine boot messages at debug. */
export const nestLogger = (logger: Logger): LoggerService => ({
  log: (message, context) => logger.debug({ context }, String(message)),
  warn: (message, context) => logger.warn({ context }, String(message)),
  error: (message, stack, context) => logger.error({ context, stack }, String(message)),
  debug: (message, context) => logger.debug({ context }, String(message)),
  verbose: (message, context) => logger.trace({ context }, String(message)),
  fatal: (message, context) => logger.fatal({ context }, String(message)),
});

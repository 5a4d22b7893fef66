import { describe, expect, it } from '@jest/globals';
import { ConfigInvalid, readConfig } from './config.js';

const problemsOf = (env: NodeJS.ProcessEnv) => {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.problems.map(({ variable }) => variable);
    throw error;
  }
};

describe('readConfig', () => {
  it('needs no variable at all', () => {
    expect(readConfig({})).toMatchObject({
      port: 4000,
      kafkaBrokers: [],
      egressAllow: [],
      rateLimit: 500,
      sseLimit: 2000,
      heartbeatTimeoutMs: 5000,
      partitions: { executions: 4, tasks: 8 },
      adoptsPartitions: true,
    });
  });
  it('reads what is set, and an empty variable as unset', () => {
    const config = readConfig({
      PORT: '',
      KAFKA_BROKERS: 'a:9092, b:9093',
      RUNLOG_QUERIES_URLS: '127.0.0.1:4101',
      RUNLOG_SECRET_KEY: 'ab'.repeat(32),
      RUNLOG_PUBLIC_URL: 'https://runlog.example/',
    });
    expect(config).toMatchObject({ port: 4000, kafkaBrokers: ['a:9092', 'b:9093'], queriesUrls: [{ host: '127.0.0.1', port: 4101 }], publicUrl: 'https://runlog.example' });
    expect(config.secretKey?.length).toBe(32);
  });
  it('takes the defaults of its caller, which the environment overrides', () => {
    expect(readConfig({ LOG_LEVEL: 'debug' }, { LOG_LEVEL: 'warn', RUNLOG_RATE_LIMIT: '0' })).toMatchObject({ logLevel: 'debug', rateLimit: 0 });
  });
  it('tells a number of partitions that somebody chose from a default', () => {
    expect(readConfig({}, { RUNLOG_PARTITIONS: '1' })).toMatchObject({ partitions: { executions: 1, tasks: 2, instances: 1 }, adoptsPartitions: true });
    expect(readConfig({ RUNLOG_PARTITIONS: '8' }, { RUNLOG_PARTITIONS: '1' })).toMatchObject({ partitions: { executions: 8, tasks: 16, instances: 4 }, adoptsPartitions: false });
  });
  it('takes an admin key of any length that fits a header', () => {
    expect(readConfig({ RUNLOG_ADMIN_KEY: 'test' }).adminKey).toBe('test');
    expect(problemsOf({ RUNLOG_ADMIN_KEY: 'two words' })).toEqual(['RUNLOG_ADMIN_KEY']);
  });
  it('names every variable that cannot be used, at once', () => {
    expect(problemsOf({ PORT: '99999', DATABASE_URL: 'mysql://x', KAFKA_BROKERS: 'nonsense', RUNLOG_SECRET_KEY: 'short', LOG_LEVEL: 'loud' }).sort()).toEqual([
      'DATABASE_URL',
      'KAFKA_BROKERS',
      'LOG_LEVEL',
      'PORT',
      'RUNLOG_SECRET_KEY',
    ]);
  });
});

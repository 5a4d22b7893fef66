import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { connectionStringOf, startEmbeddedPostgres } from './embedded-postgres.js';

const ask = async (connectionString: string, sql: string): Promise<unknown> => {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' });
    return (rows[0] as unknown[] | undefined)?.[0];
  } finally {
    await client.end();
  }
};

describe('embedded PostgreSQL', () => {
  it('keeps its data and its password, which only its owner can read, over stop, crash and start', async () => {
    // Made by mkdtemp, so closed to everybody but this user, also to the one that the server runs as when this one is root.
    const dataFolder = await mkdtemp(join(tmpdir(), 'runlog-embedded-'));
    const first = await startEmbeddedPostgres({ dataFolder });
    await ask(first.connectionString, 'create table kept as select 42 as n');
    expect(await ask(first.connectionString, 'show fsync')).toBe('on');
    expect(await ask(first.connectionString, 'show synchronous_commit')).toBe('on');
    expect((await stat(join(dataFolder, 'password'))).mode & 0o777).toBe(0o600);
    expect(first.connectionString).toContain(await readFile(join(dataFolder, 'password'), 'utf8'));
    expect(await connectionStringOf(dataFolder)).toBe(first.connectionString);
    expect(await ask(first.localUrl, 'select inet_server_addr()')).toBeNull();
    await expect(ask(first.localUrl.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow('password');
    await first.stop();
    expect(await connectionStringOf(dataFolder)).toBeUndefined();
    await expect(ask(first.connectionString, 'select 1')).rejects.toThrow();
    const second = await startEmbeddedPostgres({ dataFolder });
    expect(await ask(second.connectionString, 'select n from kept')).toBe(42);
    await second.stop('immediate');
    const third = await startEmbeddedPostgres({ dataFolder, port: second.port });
    expect(await ask(third.connectionString, 'select n from kept')).toBe(42);
    await expect(ask(third.connectionString.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow('password');
    await third.stop();
    await rm(dataFolder, { recursive: true, force: true });
  }, 60_000);

  it('is reached by TCP where the path is too long for a socket file', async () => {
    const outer = await mkdtemp(join(tmpdir(), 'runlog-embedded-'));
    const server = await startEmbeddedPostgres({ dataFolder: join(outer, 'x'.repeat(100)), durable: false });
    expect(server.localUrl).toBe(server.connectionString);
    expect(await ask(server.localUrl, 'select 1')).toBe(1);
    await server.stop();
    await rm(outer, { recursive: true, force: true });
  }, 60_000);
});

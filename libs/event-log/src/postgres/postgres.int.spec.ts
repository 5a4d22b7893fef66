import { startTestDatabase } from '@runlog/testing';
import pg from 'pg';
import type { EventLog, NewRecord } from '../port.js';
import type { LogHarness } from '../testing/contract-harness.js';
import { eventLogContract } from '../testing/contract-suite.js';
import { createPostgresLog } from './postgres-log.js';

const makeHarness = async (): Promise<LogHarness> => {
  const database = await startTestDatabase({ durable: true, own: true });
  const logs: EventLog[] = [];
  return {
    open: async () => {
      const log = createPostgresLog({ connectionString: database.connectionString });
      logs.push(log);
      await log.start();
      return log;
    },
    restart: () => database.restart('immediate'),
    delayedAppend: (partition, claim, records) => appendRaw(database.connectionString, partition, claim, records),
    close: async () => {
      await Promise.all(logs.map((log) => log.stop()));
      await database.stop();
    },
  };
};

/** The statement that an owner's append is, as it would reach the server late. */
const appendRaw = async (connectionString: string, partition: number, claim: number, records: readonly NewRecord[]): Promise<void> => {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query("select topic_no from runlog_log.topics where topic = 'execution-events'");
    const parts = records.map(({ key, headers, value }) => [Buffer.from(key), Buffer.from(JSON.stringify(headers ?? {})), Buffer.from(value)] as const);
    const starts: number[] = [];
    let position = 0;
    for (const three of parts) {
      starts.push(position);
      position += three[0].length + three[1].length + three[2].length;
    }
    await client.query('select * from runlog_log.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)', [
      [rows[0].topic_no],
      [partition],
      [records.length],
      [false],
      [1],
      [claim],
      records.map(() => 1),
      records.map((_, rank) => rank),
      starts,
      ...[0, 1, 2].map((which) => parts.map((three) => three[which as 0 | 1 | 2].length)),
      Buffer.concat(parts.flat()),
    ]);
  } finally {
    await client.end();
  }
};

eventLogContract('postgres', makeHarness);

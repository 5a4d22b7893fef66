import { startTestDatabase } from '@runlog/testing';
import pg from 'pg';
import type { EventLog, NewRecord } from '../port.js';
import type { LogHarness } from '../testing/contract-harness.js';
import { eventLogContract } from '../testing/contract-suite.js';
import { createPostgresLog } from './postgres-log.js';
import { storedHeaders } from './stored-headers.js';

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
    const text = (record: NewRecord) => storedHeaders(record.key, record.headers);
    await client.query('select * from runlog_log.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)', [
      [rows[0].topic_no],
      [partition],
      [records.length],
      [false],
      [claim],
      records.map(() => 1),
      records.map((_, rank) => rank),
      records.map((record) => record.key),
      records.map(text),
      records.map((record) => Buffer.from(record.value)),
    ]);
  } finally {
    await client.end();
  }
};

eventLogContract('postgres', makeHarness);

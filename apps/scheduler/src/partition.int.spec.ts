import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Batch, LogRecord } from '@runlog/event-log';
import { createLogger } from '@runlog/platform';
import { startTestDatabase, type TestDatabase, until } from '@runlog/testing';
import { NodeTimeouts } from './node-timeouts.js';
import { PartitionScheduler } from './partition.js';
import { Admissions } from './queues/admissions.js';
import { Runners } from './runners.js';
import { SchedulerStore } from './store.js';
import { Successions } from './successions.js';
import { Bench } from './testing/bench.js';
import { createdData } from './testing/events.js';

let server: TestDatabase;
let bench: Bench;
const logger = createLogger('test', { logLevel: 'silent' });

beforeAll(async () => {
  server = await startTestDatabase();
  bench = await Bench.open(server.connectionString);
}, 60_000);
afterAll(async () => {
  await bench.close();
  await server.stop();
});

const schedulerOf = (successions = new Successions(0, bench.database)) =>
  new PartitionScheduler(0, {
    log: bench.log,
    store: new SchedulerStore(bench.database),
    timeouts: new NodeTimeouts({ workflowVersion: async () => null }, logger),
    runners: new Runners(5000),
    successions,
    admissions: new Admissions({ log: bench.log, database: bench.database, logger, onSent: () => undefined }),
    logger,
    onSent: () => undefined,
  });

const batchFrom = async (offset: number): Promise<Batch> => {
  const records: LogRecord[] = [];
  const end = await bench.log.end('execution-events', 0);
  for await (const some of bench.log.read('execution-events', 0, offset, end)) records.push(...some);
  return { topic: 'execution-events', partition: 0, records, end };
};

describe('two schedulers that both think a partition is theirs', () => {
  it('only the one that opened it last writes; the other reads again what it missed if it gets the partition back', async () => {
    const [zombie, heir] = [schedulerOf(), schedulerOf()];
    const due = Date.now() + 600_000;
    await bench.happens('e1', 'ExecutionCreated', createdData());
    await bench.happens('e1', 'NodeWaiting', { node_id: 'n1', attempt: 1, until: due });
    await zombie.open();
    await zombie.handle(await batchFrom(0));
    await bench.flushed();

    const resumed = await heir.open();
    await bench.happens('e1', 'NodeCompleted', { node_id: 'n1', attempt: 1, output: null });
    await heir.handle(await batchFrom(resumed));
    await bench.flushed();
    expect(await bench.rows('timers')).toEqual([]);

    const missed = await bench.log.end('execution-events', 0);
    await bench.happens('e2', 'ExecutionCreated', createdData());
    await bench.happens('e2', 'NodeWaiting', { node_id: 'n1', attempt: 1, until: due });
    await zombie.handle(await batchFrom(missed));
    await until('the zombie lags behind', () => !zombie.isCaughtUp);
    expect(await bench.rows('timers')).toEqual([]);

    await bench.happens('e3', 'ExecutionCreated', createdData());
    await zombie.handle(await batchFrom(missed + 2));
    await bench.flushed();
    expect(await bench.rows('timers')).toMatchObject([{ execution_id: 'e2', due_at: due }]);
    heir.drop();
    await zombie.stop();
  }, 60_000);
});

/** The database does not answer when it is loaded first. */
class Unanswered extends Successions {
  loads = 0;
  override load(): Promise<void> {
    return this.loads++ === 0 ? Promise.reject(new Error('the database did not answer')) : super.load();
  }
}

it('a partition that could not be loaded whole is opened once more before anything is read', async () => {
  const successions = new Unanswered(0, bench.database);
  const scheduler = schedulerOf(successions);
  await expect(scheduler.open()).rejects.toThrow('did not answer');
  const from = await bench.log.end('execution-events', 0);
  await bench.happens('e4', 'ExecutionCreated', createdData());
  await scheduler.handle(await batchFrom(from));
  expect(successions.loads).toBe(2);
  await scheduler.stop();
}, 60_000);

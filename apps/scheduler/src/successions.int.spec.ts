import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type EventData, type ExecutionId, successorId } from '@runlog/execution';
import { startTestDatabase, type TestDatabase, until } from '@runlog/testing';
import type { SchedulerService } from './scheduler.service.js';
import { Successions } from './successions.js';
import { Bench } from './testing/bench.js';
import { createdData, eventOf } from './testing/events.js';

jest.setTimeout(60_000);

const source = '0199b7a3-b994-7588-82bf-549a3600bc27';
const workspace = '0199b7a3-0000-7000-8000-000000000002';
const at = Date.UTC(2026, 5, 1);
const next = successorId(source, 1, at);

let server: TestDatabase;
let bench: Bench;
let scheduler: SchedulerService;

beforeAll(async () => {
  server = await startTestDatabase();
}, 60_000);
afterAll(() => server.stop());
beforeEach(async () => {
  bench = await Bench.open(await server.fresh());
  scheduler = bench.scheduler();
});
afterEach(async () => {
  await scheduler.stop();
  await bench.close();
});

const superseded = (ended: boolean): EventData['ExecutionSuperseded'] => ({
  by: next,
  number: 1,
  ended,
  asked_by: 'user:bob',
  reason: null,
  hashid: 'fghij',
  key: 'triage_2',
  name: 'Triage 2',
  run_number: 2,
});

/** As the projection writes it. */
const projected = (id: ExecutionId, status: string) =>
  bench.database.query(
    `insert into executions (id, workspace_id, pod_id, workflow_id, version, hashid, key, name, status, tags, metadata_terms, created_at, cost_nano_usd, settled, live)
     values ($1, $2, 'p', $2, 3, 'h', 'k', 'n', $3, '{}', '{}', 0, 0, '{}', '{}') on conflict (id) do update set status = excluded.status`,
    [id, workspace, status],
  );

const sourceProjected = () =>
  bench.database.query(
    `insert into execution_events (execution_id, version, id, type, schema_version, at, previous, command_id, command_offset, workspace_id, value)
     values ($1, 1, 'x', 'ExecutionCreated', 1, 0, '', 'c', 0, $2, $3)`,
    [source, workspace, JSON.stringify(createdData({ input: { n: 7 } }))],
  );

const pending = async () => (await bench.database.query('select * from scheduler_successions', [])).length;
const sent = (id: string) => bench.sent.filter(({ command }) => command.id === id);

describe('the successor of a retried execution', () => {
  it('is created and let go at once where the old one had ended', async () => {
    await sourceProjected();
    await scheduler.start();
    await bench.happens(source, 'ExecutionSuperseded', superseded(true), at);
    const { command } = await bench.command(`succeed:${next}`);
    expect(command).toMatchObject({ executionId: next, at, created: { input: { n: 7 }, retry_of: source, retry_count: 1, created_by: 'user:bob', key: 'triage_2' } });
    expect(command).not.toHaveProperty('held');
  });

  it('is held until the old one has ended, also when the scheduler is another one by then', async () => {
    await sourceProjected();
    await scheduler.start();
    await bench.happens(source, 'ExecutionSuperseded', superseded(false), at);
    expect((await bench.command(`succeed:${next}`)).command).toMatchObject({ held: true });
    await projected(next, 'pending');
    await bench.flushed();
    expect(await pending()).toBe(1);
    expect(sent(`release:${next}`)).toEqual([]);
    await scheduler.stop();
    await bench.happens(source, 'ExecutionCancelled', { by: 'system:superseded', reason: 'superseded', unacknowledged: [] });
    scheduler = bench.scheduler();
    await scheduler.start();
    expect((await bench.command(`release:${next}`)).command).toMatchObject({ type: 'ReleaseExecution', executionId: next });
  });

  it('begins with its release where the old one ended before anybody looked', async () => {
    await sourceProjected();
    await bench.happens(source, 'ExecutionSuperseded', superseded(false), at);
    await bench.happens(source, 'ExecutionCancelled', { by: 'system:superseded', reason: 'superseded', unacknowledged: [] }, at + 20);
    await scheduler.start();
    expect((await bench.command(`succeed:${next}`)).command).toMatchObject({ at, held: true });
    expect((await bench.command(`release:${next}`)).command).toMatchObject({ at: at + 20 });
  });

  it('is asked for again until it is seen to have begun, then forgotten', async () => {
    await sourceProjected();
    await scheduler.start();
    await bench.happens(source, 'ExecutionSuperseded', superseded(true), at);
    await bench.command(`succeed:${next}`, { times: 2 });
    await bench.flushed();
    expect(await pending()).toBe(1);
    await projected(next, 'running');
    await until('nothing is pending', async () => (await pending()) === 0);
  });

  it('waits for the read model to know the old one', async () => {
    await scheduler.start();
    await bench.happens(source, 'ExecutionSuperseded', superseded(true), at);
    await bench.flushed();
    expect(sent(`succeed:${next}`)).toEqual([]);
    await sourceProjected();
    await bench.command(`succeed:${next}`);
  });

  it('has no row any more once its event is passed, however late the statement that writes it is carried out', async () => {
    await bench.database.query(`insert into scheduler_progress (partition, epoch, topic_id, next_offset, claim, previous) values (0, 1, 't', 20, -1, '')`, []);
    const late = new Successions(0, bench.database);
    late.fold(eventOf(source, 5, at, 'ExecutionSuperseded', superseded(true)), 19);
    await late.save();
    expect(await pending()).toBe(0);
    const inTime = new Successions(0, bench.database);
    inTime.fold(eventOf(source, 5, at, 'ExecutionSuperseded', superseded(true)), 20);
    await inTime.save();
    expect(await pending()).toBe(1);
  });

  it('is not forgotten before the progress that is stored has passed its event', async () => {
    await projected(next, 'running');
    const successions = new Successions(0, bench.database);
    successions.fold(eventOf(source, 5, at, 'ExecutionSuperseded', superseded(true)), 20);
    await successions.save();
    await successions.due(at, 20);
    expect(await pending()).toBe(1);
    await successions.due(at, 21);
    expect(await pending()).toBe(0);
  });
});

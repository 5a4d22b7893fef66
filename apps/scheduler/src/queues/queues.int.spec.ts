import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Catalog } from '@runlog/read-model';
import { startTestDatabase, type TestDatabase, until } from '@runlog/testing';
import type { SchedulerService } from '../scheduler.service.js';
import { Bench } from '../testing/bench.js';
import { Queueing } from '../testing/queueing.js';
import { lockQueue } from './granting-sql.js';

let server: TestDatabase;
let bench: Bench;
let scheduler: SchedulerService;
let queue: Queueing;

beforeAll(async () => {
  server = await startTestDatabase();
}, 60_000);
afterAll(() => server.stop());

beforeEach(async () => {
  bench = await Bench.open(await server.fresh());
  scheduler = bench.scheduler();
  queue = new Queueing(bench);
}, 60_000);
afterEach(async () => {
  await scheduler.stop();
  await bench.close();
});

describe('a queue with a limit', () => {
  it('admits so many, and the next in order once one ends', async () => {
    await queue.set('mail', { slots: 2 });
    await scheduler.start();
    const now = Date.now();
    for (const n of [1, 2, 3, 4]) await queue.comes(`e${n}`, { at: now + n });
    await queue.admitted('e1');
    await queue.admitted('e2');
    await queue.stands(['e1', 'e2'], ['e3', 'e4']);
    await queue.ends('e1');
    await queue.admitted('e3');
    await queue.stands(['e2', 'e3'], ['e4']);
    expect(queue.order).toEqual(['e1', 'e2', 'e3']);
    await queue.ends('e2');
    await queue.ends('e3');
    await queue.admitted('e4');
    await queue.ends('e4');
    await queue.stands([], []);
  });
});

describe('a key', () => {
  it('waits while its slots are held, and nobody of another key behind it', async () => {
    await queue.set('mail', { slots: 3 });
    await scheduler.start();
    const now = Date.now();
    for (const [n, key] of ['ann', 'ann', 'bob'].entries()) await queue.comes(`e${n}`, { key, at: now + n });
    await queue.admitted('e0');
    await queue.admitted('e2');
    await queue.stands(['e0', 'e2'], ['e1']);
    await queue.ends('e0');
    await queue.admitted('e1');
  });

  it('takes turns with others', async () => {
    await queue.set('mail', { strategy: 'round_robin', key_slots: 9, paused: true });
    await scheduler.start();
    const now = Date.now();
    for (const [n, key] of ['ann', 'ann', 'ann', 'bob', 'cid'].entries()) await queue.comes(`e${n}`, { key, at: now + n });
    await queue.stands([], ['e0', 'e1', 'e2', 'e3', 'e4']);
    await queue.set('mail', { strategy: 'round_robin', key_slots: 9 });
    for (const id of ['e0', 'e3', 'e4', 'e1', 'e2']) {
      await queue.admitted(id);
      await queue.ends(id);
    }
    expect(queue.order).toEqual(['e0', 'e3', 'e4', 'e1', 'e2']);
  });

  it.each([
    ['cancel_newest', 'e1'],
    ['cancel_running', 'e0'],
  ] as const)('with %s ends the one, and the other holds the slot', async (strategy, gone) => {
    await queue.set('mail', { slots: 5, strategy });
    await scheduler.start();
    const now = Date.now();
    await queue.comes('e0', { key: 'ann', at: now });
    await queue.admitted('e0');
    await queue.comes('e1', { key: 'ann', at: now + 1 });
    const { command } = await bench.command(`make-room:${gone}:2`);
    expect(command).toMatchObject({ type: 'CancelExecution', by: `system:${strategy}` });
    await queue.happens(gone, 'ExecutionCancelled', { by: `system:${strategy}`, reason: null, unacknowledged: [] });
    if (gone === 'e0') await queue.admitted('e1');
    await queue.stands([gone === 'e0' ? 'e1' : 'e0'], []);
  });
});

describe('whoever is suspended', () => {
  it('holds no slot, and goes on ahead of newcomers with a head start', async () => {
    await queue.set('mail');
    await scheduler.start();
    await queue.comes('e0');
    await queue.admitted('e0');
    await queue.happens('e0', 'ExecutionSuspended', { status: 'awaiting_approval', reason: 'approval' });
    await queue.comes('e1');
    await queue.admitted('e1');
    await queue.comes('e2', { priority: 1_000_000 });
    await queue.happens('e0', 'ExecutionSuspended', { status: 'suspended', reason: 'slot' });
    await queue.stands(['e1'], ['e0', 'e2']);
    await queue.ends('e1');
    await queue.admitted('e0');
    await queue.stands(['e0'], ['e2']);
  });
});

describe('time-to-live', () => {
  it('of the queue or the execution ends whoever waits for longer; a change counts for those who wait', async () => {
    await queue.set('mail', { paused: true });
    await scheduler.start();
    await queue.comes('e0', { at: Date.now() - 10_000, ttl: 5 });
    await queue.comes('e1', { at: Date.now() - 10_000 });
    expect((await bench.command('expire:e0:2')).command).toMatchObject({ type: 'ExpireInQueue', ttlSeconds: 5 });
    await queue.set('mail', { ttl_seconds: 7, paused: true });
    expect((await bench.command('expire:e1:2')).command).toMatchObject({ type: 'ExpireInQueue', ttlSeconds: 7 });
  });
});

describe('an admission', () => {
  it('without an answer is sent again, also by the next scheduler', async () => {
    await queue.set('mail');
    await scheduler.start();
    await queue.comes('e0');
    await bench.command('admit:e0:2');
    await scheduler.stop();
    scheduler = bench.scheduler();
    await scheduler.start();
    await bench.command('admit:e0:2', { times: 2 });
    await queue.stands(['e0'], []);
  });

  it('that cannot be decided fails the execution', async () => {
    await queue.set('mail');
    await scheduler.start();
    await queue.comes('e0');
    await bench.command('admit:e0:2');
    await queue.happens('e0', 'ExecutionFaulted', { command_type: 'AdmitExecution', error: 'broken' });
    expect((await bench.command('fail-admission:e0:2')).command).toMatchObject({ type: 'FailAdmission', ticket: 2 });
  });

  it('of tables that were lost is built again from the log, and nobody is admitted above the limit', async () => {
    await queue.set('mail');
    await scheduler.start();
    await queue.comes('e0');
    await queue.admitted('e0');
    await queue.comes('e1');
    await queue.stands(['e0'], ['e1']);
    await scheduler.stop();
    for (const table of ['progress', 'executions', 'waiting', 'leases', 'queues', 'queue_keys']) await bench.database.query(`delete from scheduler_${table}`);
    scheduler = bench.scheduler();
    await scheduler.start();
    await queue.stands(['e0'], ['e1']);
    await queue.ends('e0');
    await queue.admitted('e1');
  });
});

describe('a change of the settings', () => {
  it('is answered once no grant by the former ones is under way', async () => {
    await bench.database.query(`insert into scheduler_queues (workspace_id, name, held, waiting, turn, key_slots) values ('workspace-1', 'mail', 0, 0, 0, 1)`);
    const put = (slots: number) => new Catalog(bench.database).putQueue({ workspaceId: 'workspace-1', name: 'mail', settings: { slots }, by: 'user:ada', at: 0 });
    await put(2);
    const events: string[] = [];
    let change: Promise<unknown> | undefined;
    await bench.database.transaction(async (sql) => {
      expect(await lockQueue(sql, { workspaceId: 'workspace-1', queue: 'mail' })).toMatchObject({ slots: 2 });
      change = put(1).then(() => events.push('changed'));
      await until(
        'one waits for the other',
        async () => (await bench.database.query(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)).length > 0,
      );
      events.push('granted');
    });
    await change;
    expect(events).toEqual(['granted', 'changed']);
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { slowness, startTestDatabase, type TestDatabase, until } from '@runlog/testing';
import type { SchedulerService } from './scheduler.service.js';
import { Bench, heartbeatTimeoutMs } from './testing/bench.js';
import { createdData, eventOf, gateRules } from './testing/events.js';

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
}, 60_000);
afterEach(async () => {
  await scheduler.stop();
  await bench.close();
});

const restart = async () => {
  await scheduler.stop();
  scheduler = bench.scheduler();
  await scheduler.start();
};
const n1 = { node_id: 'n1', attempt: 1 };

describe('the scheduler', () => {
  it('fires each timer at its time, never early and at most 2 s late', async () => {
    await scheduler.start();
    const now = Date.now();
    await bench.happens('e1', 'ExecutionCreated', createdData({ run_timeout_seconds: 1 }), now);
    await bench.happens('e1', 'ExecutionStarted', {}, now);
    await bench.happens('e1', 'NodeWaiting', { ...n1, until: now + 300 });
    await bench.happens('e1', 'ApprovalRequested', { node_id: 'n2', attempt: 1, gate_id: 'n2.1', ...gateRules({ expires_at: now + 700, reminders_at: [now + 400] }) });
    const fired = await Promise.all(['delay:n1.1', 'gate_reminder:n2.1.1', 'gate_expiry:n2.1', `run_timeout:${now + 1000}`].map((ref) => bench.command(`timer:e1:${ref}`)));
    const lateMs = [300, 400, 700, 1000].map((due, index) => (fired[index]?.command.at ?? 0) - now - due);
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...lateMs)).toBeLessThan(2_000 * slowness());
  });

  it('fires every timer after a restart in the middle, under the same id and never early', async () => {
    await scheduler.start();
    const now = Date.now();
    const ids = Array.from({ length: 20 }, (_, n) => `e${n}`);
    for (const [n, id] of ids.entries())
      await bench.record([eventOf(id, 1, now, 'ExecutionCreated', createdData()), eventOf(id, 2, now, 'NodeWaiting', { ...n1, until: now + 200 * n })]);
    await bench.command('timer:e5:delay:n1.1');
    await restart();
    for (const [n, id] of ids.entries()) {
      const { command } = await bench.command(`timer:${id}:delay:n1.1`);
      expect(command.at).toBeGreaterThanOrEqual(now + 200 * n);
    }
    expect(new Set(bench.sent.map(({ command }) => command.id)).size).toBe(20);
    await bench.command('timer:e5:delay:n1.1', { times: 2 });
  }, 60_000);

  it('does not fire what was settled before it came back', async () => {
    await scheduler.start();
    const now = Date.now();
    await bench.happens('e1', 'ExecutionCreated', createdData());
    await bench.happens('e1', 'NodeWaiting', { ...n1, until: now + 1000 });
    await bench.happens('e2', 'ExecutionCreated', createdData());
    await bench.happens('e2', 'NodeWaiting', { ...n1, until: now + 1200 });
    await bench.flushed();
    await scheduler.stop();
    await bench.happens('e1', 'NodeCompleted', { ...n1, output: null });
    scheduler = bench.scheduler();
    await scheduler.start();
    await bench.command('timer:e2:delay:n1.1');
    expect(bench.sent.map(({ command }) => command.id)).toEqual(['timer:e2:delay:n1.1']);
    await bench.flushed();
    expect(await bench.rows('timers')).toMatchObject([{ execution_id: 'e2' }]);
  });

  it('times out a node whose limit is a minute or more', async () => {
    bench.definitions.set('version-1', {
      key: 'slow',
      name: 'Slow',
      nodes: [{ id: 'n1', type: 'http', name: 'Slow', config: { url: 'http://example.com' }, timeout_ms: 60_000 }],
      edges: [{ from: 'start_of_workflow', to: 'n1' }],
    });
    const longAgo = Date.now() - 59_500;
    await bench.startBeating('r1');
    await scheduler.start();
    await bench.happens('e1', 'ExecutionCreated', createdData(), longAgo);
    await bench.happens('e1', 'NodeScheduled', { ...n1, kind: 'http' }, longAgo);
    await bench.flushed();
    await restart();
    await bench.happens('e1', 'NodeStarted', { ...n1, runner: 'r1' }, longAgo);
    const { command } = await bench.command('timer:e1:node_timeout:n1.1');
    expect(command.at).toBeGreaterThanOrEqual(longAgo + 60_000);
  });

  it('gives up the attempts of a silent runner within twice the time-out, and of no other', async () => {
    await bench.startBeating('r1');
    await bench.startBeating('r2');
    await scheduler.start();
    for (const [id, runner] of [
      ['e1', 'r1'],
      ['e2', 'r2'],
      ['e3', 'never-heard-of'],
    ] as const) {
      await bench.happens(id, 'ExecutionCreated', createdData());
      await bench.happens(id, 'NodeScheduled', { ...n1, kind: 'http' });
      await bench.happens(id, 'NodeStarted', { ...n1, runner });
    }
    bench.stopBeating('r1');
    const silentSince = Date.now();
    const lost = await bench.command('lose:e1:n1.1');
    expect(lost.command).toMatchObject({ type: 'LoseAttempt', node: 'n1', attempt: 1, runner: 'r1' });
    expect(lost.at - silentSince).toBeLessThan(2 * heartbeatTimeoutMs * slowness());
    await bench.command('lose:e3:n1.1');
    expect(bench.sent.some(({ command }) => command.executionId === 'e2')).toBe(false);
  });

  it('reminds of a task that nobody started while a runner has room', async () => {
    await bench.startBeating('r1');
    await scheduler.start();
    const before = Date.now() - 4000;
    await bench.happens('e1', 'ExecutionCreated', createdData(), before);
    await bench.happens('e1', 'NodeScheduled', { ...n1, kind: 'http' }, before);
    const { command } = await bench.command('remind:e1:n1.1:1');
    expect(command).toMatchObject({ type: 'RemindNode', node: 'n1', attempt: 1 });
    expect(command.at).toBeGreaterThanOrEqual(before + 5000);
  }, 60_000);

  it('leaves no row of executions that ended', async () => {
    await scheduler.start();
    await bench.happens('e1', 'ExecutionCreated', createdData({ run_timeout_seconds: 60 }));
    await bench.happens('e1', 'ExecutionStarted', {});
    await bench.happens('e1', 'NodeScheduled', { ...n1, kind: 'http' });
    await bench.flushed();
    await until('the attempt is stored', async () => (await bench.rows('attempts')).length === 1);
    expect([await bench.rows('executions'), await bench.rows('timers')]).toMatchObject([[{ execution_id: 'e1', run_left_ms: 60_000 }], [{ kind: 'run_timeout' }]]);
    await bench.happens('e1', 'ExecutionCompleted', { output: null });
    await bench.flushed();
    expect(await Promise.all([bench.rows('executions'), bench.rows('timers'), bench.rows('attempts')])).toEqual([[], [], []]);
  });

  it('ignores void events', async () => {
    await scheduler.start();
    await bench.happens('e1', 'ExecutionCreated', createdData());
    await bench.happens('e2', 'ExecutionCreated', createdData());
    await bench.recordVoid(eventOf('e1', 2, Date.now(), 'NodeWaiting', { ...n1, until: Date.now() }));
    await bench.happens('e2', 'NodeWaiting', { ...n1, until: Date.now() });
    await bench.command('timer:e2:delay:n1.1');
    expect(bench.sent.map(({ command }) => command.executionId)).toEqual(['e2']);
  });
});

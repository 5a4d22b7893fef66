import { describe, expect, it } from '@jest/globals';
import type { EventData, EventType, Heartbeat } from '@runlog/execution';
import { createLogger } from '@runlog/platform';
import { Book } from './book.js';
import { dueReminders, dueTimers, silentRunners } from './due.js';
import { NodeTimeouts } from './node-timeouts.js';
import { Runners } from './runners.js';
import { createdData, eventOf } from './testing/events.js';

const timeouts = new NodeTimeouts({ workflowVersion: async () => null }, createLogger('test', { logLevel: 'silent' }));
const n1 = { node_id: 'n1', attempt: 1 };

const bookOf = (runners = new Runners(5000)) => {
  const book = new Book(0, 1, { topicId: 't', partition: 0, offset: 0, claim: -1, previous: '' }, (runner) => runners.expect(runner));
  let version = 0;
  const happens = <Type extends EventType>(at: number, type: Type, data: EventData[Type], id = 'e1') => book.fold(eventOf(id, ++version, at, type, data), timeouts, at);
  book.extendHorizon(100_000);
  happens(0, 'ExecutionCreated', createdData());
  return { book, happens, runners };
};

const beat = (given: Partial<Heartbeat>): Heartbeat => ({ runner: 'r1', at: 0, kinds: ['http'], slots: 4, free: 1, backlog: 0, partitions: [0], stopping: false, ...given });

describe('a due timer', () => {
  it('fires at its time, not before, and again under the same id until its event is read', () => {
    const { book, happens } = bookOf();
    happens(0, 'NodeWaiting', { ...n1, until: 1000 });
    expect(dueTimers(book, 999, 10)).toEqual([]);
    const [fired] = dueTimers(book, 1000, 10);
    expect(fired).toMatchObject({ type: 'FireTimer', id: 'timer:e1:delay:n1.1', at: 1000, timer: { kind: 'delay', node: 'n1', attempt: 1 } });
    expect(dueTimers(book, 5999, 10)).toEqual([]);
    expect(dueTimers(book, 6000, 10)).toEqual([{ ...fired, at: 6000 }]);
    expect(dueTimers(book, 15_999, 10)).toEqual([]);
    expect(dueTimers(book, 16_000, 10)).toHaveLength(1);
    happens(16_100, 'NodeCompleted', { ...n1, output: null });
    expect(dueTimers(book, 99_000, 10)).toEqual([]);
  });
  it('of an ended execution is forgotten', () => {
    const { book, happens } = bookOf();
    happens(0, 'NodeWaiting', { ...n1, until: 1000 });
    happens(500, 'ExecutionCancelled', { by: 'user:ada', reason: null, unacknowledged: [] });
    expect(dueTimers(book, 2000, 10)).toEqual([]);
  });
});

describe('an unstarted attempt', () => {
  it('is reminded of after 5, then 5, 10 seconds while a runner has room for its kind', () => {
    const { book, happens, runners } = bookOf();
    happens(0, 'NodeScheduled', { ...n1, kind: 'http' });
    const remindedAt = [4999, 5000, 9999, 10_000, 19_999, 20_000].flatMap((now) => {
      runners.hear(beat({}), now);
      runners.prove(now);
      return dueReminders(book, runners, now, 10).map(({ type, id }) => [now, type, id]);
    });
    expect(remindedAt).toEqual([
      [5000, 'RemindNode', 'remind:e1:n1.1:1'],
      [10_000, 'RemindNode', 'remind:e1:n1.1:2'],
      [20_000, 'RemindNode', 'remind:e1:n1.1:3'],
    ]);
  });
  it('waits while no runner serves its kind or none has a free slot', () => {
    const { book, happens, runners } = bookOf();
    happens(0, 'NodeScheduled', { ...n1, kind: 'http' });
    runners.hear(beat({ free: 0, backlog: 3 }), 5000);
    runners.hear(beat({ runner: 'r2', kinds: ['code'] }), 5000);
    expect(dueReminders(book, runners, 5000, 10)).toEqual([]);
    runners.hear(beat({}), 8000);
    expect(dueReminders(book, runners, 8000, 10)).toHaveLength(1);
  });
  it('is reminded of at once, whatever the backoff, when a runner falls silent', () => {
    const { book, happens, runners } = bookOf();
    happens(0, 'NodeScheduled', { ...n1, kind: 'http' });
    runners.hear(beat({ runner: 'r2', kinds: [] }), 20_000);
    for (const now of [5000, 10_000, 20_000]) {
      runners.hear(beat({}), now);
      expect(dueReminders(book, runners, now, 10)).toHaveLength(1);
    }
    runners.prove(20_000);
    const before = runners.silences;
    for (let now = 21_000; now <= 26_000; now += 1000) {
      runners.hear(beat({}), now);
      runners.prove(now);
    }
    expect(runners.silences).toBe(before + 1);
    book.remindAfresh(26_000);
    expect(dueReminders(book, runners, 26_000, 10)).toHaveLength(1);
  });
  it('gets one reminder for each free slot', () => {
    const { book, happens, runners } = bookOf();
    for (const node_id of ['a', 'b', 'c']) happens(0, 'NodeScheduled', { node_id, attempt: 1, kind: 'http' });
    runners.hear(beat({ free: 2 }), 5000);
    expect(dueReminders(book, runners, 5000, 10)).toHaveLength(2);
  });
});

describe('a started attempt', () => {
  it('is lost when its runner is silent for the time-out, as often as needed, under one id', () => {
    const { book, happens, runners } = bookOf();
    const lostAt = new Map<string, number>();
    happens(0, 'NodeScheduled', { ...n1, kind: 'http' });
    happens(0, 'NodeStarted', { ...n1, runner: 'r1' });
    const lost = Array.from({ length: 9 }, (_, second) => second * 1000).flatMap((now) => {
      runners.prove(now);
      if (now === 1000) runners.hear(beat({}), now);
      return silentRunners(book, runners, lostAt, now).map(({ type, id }) => [now, type, id]);
    });
    expect(lost).toEqual([[7000, 'LoseAttempt', 'lose:e1:n1.1']]);
    runners.prove(9000);
    expect(silentRunners(book, runners, lostAt, 9000)).toMatchObject([{ id: 'lose:e1:n1.1', runner: 'r1', node: 'n1', attempt: 1 }]);
    happens(9100, 'AttemptLost', { ...n1, runner: 'r1', because: '' });
    runners.prove(11_000);
    expect(silentRunners(book, runners, lostAt, 11_000)).toEqual([]);
  });
  it('is not lost while the log is down or the scheduler stood still', () => {
    const { book, happens, runners } = bookOf();
    runners.prove(1000);
    runners.hear(beat({}), 1000);
    happens(0, 'NodeStarted', { ...n1, runner: 'r1' });
    expect(silentRunners(book, runners, new Map(), 60_000)).toEqual([]);
    runners.prove(60_000);
    expect(silentRunners(book, runners, new Map(), 60_000)).toEqual([]);
  });
});

describe('the book', () => {
  it('writes nothing for an execution that began and ended since the last flush', () => {
    const { book, happens } = bookOf();
    happens(0, 'NodeScheduled', { ...n1, kind: 'http' });
    happens(1, 'NodeWaiting', { ...n1, until: 9000 });
    happens(2, 'ExecutionCompleted', { output: null });
    const { changes } = book.take();
    expect(Object.values(changes).every((rows) => rows.length === 0)).toBe(true);
  });
  it('deletes what a failed flush may have written', () => {
    const { book, happens } = bookOf();
    happens(0, 'NodeWaiting', { ...n1, until: 9000 });
    const first = book.take();
    expect(first.changes).toMatchObject({ executions: [{ executionId: 'e1' }], timers: [{ executionId: 'e1' }] });
    happens(1, 'NodeCompleted', { ...n1, output: null });
    first.failed();
    const second = book.take();
    expect(second.changes).toMatchObject({ timers: [], goneTimers: [{ executionId: 'e1', slot: 'delay:n1' }] });
    second.saved();
    happens(2, 'ExecutionCompleted', { output: null });
    expect(book.take().changes).toMatchObject({ ended: ['e1'] });
  });
  it('keeps executions at rest out of memory, but not those with something due soon', () => {
    const { book, happens } = bookOf();
    happens(0, 'ExecutionCreated', createdData(), 'e2');
    happens(0, 'NodeWaiting', { ...n1, until: 9_000_000 }, 'e2');
    happens(0, 'NodeWaiting', { ...n1, until: 9000 });
    book.evict(10);
    expect(book.size).toBe(2);
    book.take().saved();
    book.evict(10);
    expect([...book.executions].map(({ executionId }) => executionId)).toEqual(['e1']);
  });
});

import { describe, expect, it } from '@jest/globals';
import { until } from '@runlog/testing';
import type { EventLog, LogRecord } from '../port.js';
import type { LogHarness } from './contract-harness.js';
import { numberIn, readAll, records, unique } from './contract-tools.js';

/** Order, batches, progress, replay, tail. */
export const readingContract = (harness: () => LogHarness, log: () => EventLog): void => {
  describe('send and read', () => {
    it('keeps key, headers, value bytes and the append time', async () => {
      const from = await log().end('node-tasks', 0);
      const value = Buffer.from([0, 1, 0xff, 0xfe, 0x80, 10, 0]);
      const before = Date.now();
      await log().send([
        {
          topic: 'node-tasks',
          partition: 0,
          records: [
            { key: 'kéy "1"', headers: { ce_id: 'a', note: 'ünï\n"\\' }, value },
            { key: '', value: '' },
          ],
        },
      ]);
      const [first, second] = await readAll(log(), 'node-tasks', 0, from);
      expect(first).toMatchObject({ topic: 'node-tasks', partition: 0, offset: from, key: 'kéy "1"', headers: { ce_id: 'a', note: 'ünï\n"\\' } });
      expect(first?.value.equals(value)).toBe(true);
      expect(Math.abs((first?.at ?? 0) - before)).toBeLessThan(60_000);
      expect(second).toMatchObject({ offset: from + 1, key: '', headers: {} });
      expect(second?.value.length).toBe(0);
    });

    it('gives every record of concurrent sends one offset, gapless, each send in its order', async () => {
      const from = await log().end('node-tasks', 1);
      await Promise.all(['a', 'b', 'c'].map((key) => log().send([{ topic: 'node-tasks', partition: 1, records: records(key, 0, 700) }])));
      const found = await readAll(log(), 'node-tasks', 1, from);
      expect(found.map((record) => record.offset)).toEqual(found.map((_, index) => from + index));
      for (const key of ['a', 'b', 'c']) expect(found.filter((record) => record.key === key).map(numberIn)).toEqual(records(key, 0, 700).map((_, n) => n));
      expect(await log().end('node-tasks', 1)).toBe(from + 2_100);
    });

    it('reads a slice of the past and nothing beyond it', async () => {
      const from = await log().end('node-tasks', 2);
      await log().send([{ topic: 'node-tasks', partition: 2, records: records('k', 0, 50) }]);
      expect((await readAll(log(), 'node-tasks', 2, from + 10, from + 20)).map(numberIn)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
      expect(await readAll(log(), 'node-tasks', 2, from + 50, from + 50)).toEqual([]);
    });

    it('knows topics by an identity that every process sees', async () => {
      const other = await harness().open();
      expect(await other.topicId('execution-events')).toBe(await log().topicId('execution-events'));
      expect(await other.topicId('execution-events')).not.toBe(await log().topicId('execution-commands'));
      await other.stop();
    });
  });

  describe('subscribe', () => {
    it('hands batches over in order without a gap, one at a time, no larger than asked for', async () => {
      const starts = await Promise.all(Array.from({ length: 4 }, (_, partition) => log().end('execution-frames', partition)));
      const seen = new Map<number, LogRecord[]>();
      let inFlight = 0;
      let overlapped = false;
      const subscription = await log().subscribe({
        topic: 'execution-frames',
        group: unique('in-order'),
        maxRecords: 50,
        start: async (partition) => starts[partition] as number,
        onBatch: async ({ partition, records: batch, end }) => {
          if (partition === 0 && ++inFlight > 1) overlapped = true;
          expect(batch.length).toBeLessThanOrEqual(50);
          expect(end).toBeGreaterThan(batch.at(-1)?.offset as number);
          seen.set(partition, [...(seen.get(partition) ?? []), ...batch]);
          await new Promise(setImmediate);
          if (partition === 0) inFlight--;
        },
      });
      await Promise.all([0, 1, 2, 3].map((partition) => log().send([{ topic: 'execution-frames', partition, records: records('k', 0, 330) }])));
      await until('all records handled', () => [0, 1, 2, 3].every((partition) => (seen.get(partition)?.length ?? 0) >= 330));
      await subscription.stop();
      for (const [partition, found] of seen) expect(found.map((record) => record.offset)).toEqual(found.map((_, index) => (starts[partition] as number) + index));
      expect(overlapped).toBe(false);
    });

    it('hands the same batch over again when the handler rejects, and only that partition waits', async () => {
      const starts = await Promise.all([0, 1, 2, 3].map((partition) => log().end('execution-frames', partition)));
      const attempts: number[][] = [];
      let others = 0;
      const subscription = await log().subscribe({
        topic: 'execution-frames',
        group: unique('again'),
        start: async (partition) => starts[partition] as number,
        onBatch: async ({ partition, records: batch }) => {
          if (partition !== 0) return void (others += batch.length);
          attempts.push(batch.map((record) => record.offset));
          if (attempts.length < 4 || others === 0) throw new Error('the database is down');
        },
      });
      await log().send([{ topic: 'execution-frames', partition: 0, records: records('k', 0, 3) }]);
      await until('a first attempt', () => attempts.length > 0);
      await log().send([{ topic: 'execution-frames', partition: 1, records: records('k', 0, 3) }]);
      await until('the fourth attempt', () => attempts.length >= 4 && others > 0);
      await subscription.stop();
      for (const attempt of attempts) expect(attempt.slice(0, attempts[0]?.length)).toEqual(attempts[0]);
    });

    it("goes on at 'committed' where the group's last handled batch ended, in another process too", async () => {
      const group = unique('committed');
      const first = await collect(log(), group, 'end');
      await log().send([{ topic: 'command-replies', partition: 0, records: records('k', 0, 20) }]);
      await until('20 records', () => first.numbers.length >= 20);
      await first.subscription.stop();
      await log().send([{ topic: 'command-replies', partition: 0, records: records('k', 20, 20) }]);
      const other = await harness().open();
      const second = await collect(other, group, 'committed');
      await until('the rest', () => second.numbers.includes(39));
      await other.stop();
      expect(first.numbers).toEqual(Array.from({ length: 20 }, (_, n) => n));
      expect(second.numbers).toEqual(Array.from({ length: 20 }, (_, n) => 20 + n));
    });

    it('replays from the offset that start names', async () => {
      const from = await log().end('command-replies', 0);
      await log().send([{ topic: 'command-replies', partition: 0, records: records('k', 0, 30) }]);
      const replay = await collect(log(), unique('replay'), from + 7);
      await until('the replay', () => replay.numbers.length >= 23);
      await replay.subscription.stop();
      expect(replay.numbers[0]).toBe(7);
    });

    it('finishes the batch in flight before stop resolves, and handles nothing after it', async () => {
      const from = await log().end('command-replies', 0);
      let release: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => (release = resolve));
      const handled: number[] = [];
      let entered = false;
      const group = unique('stop');
      const subscription = await log().subscribe({
        topic: 'command-replies',
        group,
        maxRecords: 10,
        start: async (partition) => (partition === 0 ? from : 'end'),
        onBatch: async ({ records: batch }) => {
          entered = true;
          await gate;
          handled.push(...batch.map(numberIn));
        },
      });
      await log().send([{ topic: 'command-replies', partition: 0, records: records('k', 0, 30) }]);
      await until('a batch in flight', () => entered);
      let stopped = false;
      const stopping = subscription.stop().then(() => (stopped = true));
      await new Promise(setImmediate);
      expect(stopped).toBe(false);
      release();
      await stopping;
      const atStop = handled.length;
      expect(atStop).toBeGreaterThan(0);
      expect(atStop).toBeLessThanOrEqual(10);
      const next = await collect(log(), group, 'committed');
      await until('the rest', () => next.numbers.includes(29));
      await next.subscription.stop();
      expect(handled.length).toBe(atStop);
      expect(next.numbers[0]).toBe(atStop);
    });
  });

  describe('tail', () => {
    it('reads every partition from where it is told, in every process alike', async () => {
      const other = await harness().open();
      const from = await log().end('execution-frames', 1);
      await log().send([{ topic: 'execution-frames', partition: 1, records: records('k', 0, 5) }]);
      const seen: [number[], number[]] = [[], []];
      const fromTheEnd: number[] = [];
      const ends = await Promise.all([0, 1, 2, 3].map((partition) => log().end('execution-frames', partition)));
      const tails = await Promise.all([
        ...[log(), other].map((reader, index) =>
          reader.tail({
            topic: 'execution-frames',
            start: async (partition) => (partition === 1 ? from : (ends[partition] as number)),
            onBatch: async ({ records: batch }) => void seen[index as 0 | 1].push(...batch.map(numberIn)),
          }),
        ),
        log().tail({ topic: 'execution-frames', start: async () => 'end', onBatch: async ({ records: batch }) => void fromTheEnd.push(...batch.map(numberIn)) }),
      ]);
      await log().send([2, 3].map((partition) => ({ topic: 'execution-frames' as const, partition, records: records('k', partition * 100, 5) })));
      await until('both tails level', () => seen.every((numbers) => numbers.length >= 15) && fromTheEnd.length >= 10);
      await Promise.all(tails.map((tail) => tail.stop()));
      await other.stop();
      const expected = [...[0, 1, 2, 3, 4], ...[200, 201, 202, 203, 204], ...[300, 301, 302, 303, 304]];
      for (const numbers of seen) expect([...numbers].sort((a, b) => a - b)).toEqual(expected);
      expect([...fromTheEnd].sort((a, b) => a - b)).toEqual(expected.slice(5));
    });
  });
};

/** Collects the numbers on partition 0 of command-replies; `start` is for that partition. */
const collect = async (log: EventLog, group: string, start: number | 'committed' | 'start' | 'end') => {
  const numbers: number[] = [];
  let ready = false;
  const subscription = await log.subscribe({
    topic: 'command-replies',
    group,
    start: async (partition) => {
      if (partition !== 0) return 'end';
      ready = true;
      return start === 'end' ? await log.end('command-replies', 0) : start;
    },
    onBatch: async ({ partition, records: batch }) => void (partition === 0 && numbers.push(...batch.map(numberIn))),
  });
  await until('partition 0 granted', () => ready);
  return { numbers, subscription };
};

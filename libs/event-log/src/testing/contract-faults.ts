import { describe, expect, it } from '@jest/globals';
import { until } from '@runlog/testing';
import { decodeOrDeadLetter } from '../dead-letters.js';
import { decodeJson } from '../envelope.js';
import { type EventLog, ProgressMismatch, RecordTooLarge } from '../port.js';
import { checkProgress, positionAfter } from '../progress.js';
import type { LogHarness } from './contract-harness.js';
import { acceptedFrom, appendUnderClaim, becomeOwner, eventRecord, numberIn, readAll, records, tags, unique } from './contract-tools.js';

/** Hand-over between members, poison, limits, a crash of the server, progress that doesn't fit. */
export const faultContract = (harness: () => LogHarness, log: () => EventLog): void => {
  const partitions = [0, 1, 2, 3, 4, 5, 6, 7];

  describe('groups', () => {
    it('shares partitions between members and hands them over without loss, in order', async () => {
      const group = unique('members');
      const starts = await Promise.all(partitions.map((partition) => log().end('node-tasks', partition)));
      const [a, b] = [await harness().open(), await harness().open()];
      const handled: { member: string; partition: number; n: number }[] = [];
      const join = (member: string, on: EventLog) =>
        on.subscribe({
          topic: 'node-tasks',
          group,
          start: async (partition) => {
            const mine = handled.filter((one) => one.partition === partition);
            return mine.length === 0 ? (starts[partition] as number) : 'committed';
          },
          onBatch: async ({ partition, records: batch }) => void handled.push(...batch.map((record) => ({ member, partition, n: numberIn(record) }))),
        });
      const sendRound = (round: number) => log().send(partitions.map((partition) => ({ topic: 'node-tasks' as const, partition, records: records('k', round * 10, 10) })));
      const everythingUpTo = (round: number) => () =>
        partitions.every((partition) => new Set(handled.filter((one) => one.partition === partition).map((one) => one.n)).size >= (round + 1) * 10);

      const first = await join('a', a);
      await sendRound(0);
      await until('the first member has everything', everythingUpTo(0));
      const second = await join('b', b);
      let round = 0;
      await until('the second member has its share', async () => {
        await sendRound(++round);
        return handled.some((one) => one.member === 'b');
      });
      await until('nothing is lost while sharing', everythingUpTo(round));
      await first.stop();
      await sendRound(++round);
      await until('the second member has everything', everythingUpTo(round));
      await second.stop();
      await Promise.all([a.stop(), b.stop()]);
      for (const partition of partitions)
        for (const member of ['a', 'b']) {
          const numbers = handled.filter((one) => one.member === member && one.partition === partition).map((one) => one.n);
          expect(firstSights(numbers)).toEqual([...firstSights(numbers)].sort((x, y) => x - y));
        }
    });
  });

  describe('poison and limits', () => {
    it('moves an undecodable record to the dead letters with its cause, and goes on', async () => {
      const from = await log().end('node-tasks', 3);
      const deadFrom = await log().end('dead-letters', 0);
      const key = unique('poison');
      const good: unknown[] = [];
      await log().send([
        {
          topic: 'node-tasks',
          partition: 3,
          records: [
            { key, value: '{"n":1}' },
            { key, headers: { h: '1' }, value: 'not json' },
            { key, value: '{"n":3}' },
          ],
        },
      ]);
      const subscription = await log().subscribe({
        topic: 'node-tasks',
        group: unique('poison'),
        start: async (partition) => (partition === 3 ? from : 'end'),
        onBatch: async ({ partition, records: batch }) => void (partition === 3 && good.push(...(await decodeOrDeadLetter(log(), batch, decodeJson)))),
      });
      await until('both good ones', () => good.length === 2);
      await subscription.stop();
      const [dead] = (await readAll(log(), 'dead-letters', 0, deadFrom)).filter((record) => record.key === key);
      expect(dead?.value.toString()).toBe('not json');
      expect(dead?.headers).toMatchObject({ h: '1', dead_topic: 'node-tasks', dead_partition: '3', dead_offset: String(from + 1) });
      expect(dead?.headers.dead_because).toContain('not JSON');
    });

    it('takes a record at the size limit and refuses one above it, writing nothing', async () => {
      const limit = log().maxRecordBytes;
      const from = await log().end('node-tasks', 4);
      await log().send([{ topic: 'node-tasks', partition: 4, records: [{ key: 'k', value: Buffer.alloc(limit, 'x') }] }]);
      await expect(
        log().send([
          {
            topic: 'node-tasks',
            partition: 4,
            records: [
              { key: 'k', value: '1' },
              { key: 'k', value: Buffer.alloc(limit + 1, 'x') },
            ],
          },
        ]),
      ).rejects.toBeInstanceOf(RecordTooLarge);
      const found = await readAll(log(), 'node-tasks', 4, from);
      expect(found.map((record) => record.value.length)).toEqual([limit]);
    });
  });

  describe('a crash of the server', () => {
    it('loses nothing that was acknowledged, and everybody goes on by themselves', async () => {
      const from = await log().end('node-tasks', 5);
      const seen = new Set<number>();
      const subscription = await log().subscribe({
        topic: 'node-tasks',
        group: unique('crash'),
        start: async (partition) => (partition === 5 ? from : 'end'),
        onBatch: async ({ partition, records: batch }) => void (partition === 5 && batch.forEach((record) => seen.add(numberIn(record)))),
      });
      const owner = await becomeOwner(log(), unique('crash-owner'));
      await until('ownership', () => owner.owned.has(0));
      const eventsFrom = await log().end('execution-events', 0);
      const execution = unique('execution');
      await appendUnderClaim(owner.owned.get(0) as never, (claim) => [eventRecord(claim, { execution, version: 1, tag: 'before' })]);
      const sends: Promise<void>[] = [];
      for (let n = 0; n < 50; n++) sends.push(log().send([{ topic: 'node-tasks', partition: 5, records: records('k', n, 1) }]));
      const restarting = harness().restart();
      for (let n = 50; n < 100; n++) sends.push(log().send([{ topic: 'node-tasks', partition: 5, records: records('k', n, 1) }]));
      await restarting;
      await Promise.all(sends);
      await until('all 100 handled', () => seen.size === 100);
      await until('the append after the crash', async () => {
        const owned = owner.owned.get(0);
        if (!owned) return false;
        return appendUnderClaim(owned, (claim) => [eventRecord(claim, { execution, version: 2, tag: 'after' })]).then(
          () => true,
          () => false,
        );
      });
      expect(tags((await acceptedFrom(log(), 0, eventsFrom)).filter((event) => event.executionId === execution))).toEqual(['before', 'after']);
      await Promise.all([subscription.stop(), owner.subscription.stop()]);
      expect(await log().healthy()).toBe(true);
    });
  });

  describe('stored progress', () => {
    it('is taken when it fits and refused with an instruction when it does not', async () => {
      const from = await log().end('node-tasks', 6);
      await log().send([{ topic: 'node-tasks', partition: 6, records: [1, 2, 3].map((n) => ({ key: 'k', headers: { ce_id: `id-${n}` }, value: '{}' })) }]);
      const [, second] = await readAll(log(), 'node-tasks', 6, from);
      const position = positionAfter(second as never, await log().topicId('node-tasks'));
      await checkProgress(log(), position, 'node-tasks');
      await checkProgress(log(), { ...position, offset: from + 3, previous: 'id-3' }, 'node-tasks');
      const misfits = [
        { ...position, topicId: '00000000-0000-0000-0000-000000000000' },
        { ...position, offset: from + 4, previous: 'id-4' },
        { ...position, previous: 'another' },
      ];
      for (const misfit of misfits) {
        const refusal = await checkProgress(log(), misfit, 'node-tasks').catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(ProgressMismatch);
        expect((refusal as Error).message).toMatch(/restore|delete/);
      }
    });
  });
};

/** Numbers in the order of their first sight: what a re-read repeats is left out. */
const firstSights = (numbers: readonly number[]): number[] => [...new Set(numbers)];

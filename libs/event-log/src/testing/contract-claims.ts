import { describe, expect, it } from '@jest/globals';
import { until } from '@runlog/testing';
import { AcceptedEvents } from '../claims.js';
import { isClaim } from '../envelope.js';
import { AppendLost, type EventLog, type OwnedPartition, RecordTooLarge } from '../port.js';
import type { LogHarness } from './contract-harness.js';
import { acceptedFrom, appendUnderClaim, becomeOwner, eventRecord, numberIn, readAll, records, tags, unique } from './contract-tools.js';

/** One writer per partition, proved by the log alone. */
export const claimContract = (harness: () => LogHarness, log: () => EventLog): void => {
  describe('claims', () => {
    it('grants commands and events together; an append lands behind its claim, follow-ups after it', async () => {
      const tasksFrom = await log().end('node-tasks', 7);
      const commandsFrom = await log().end('execution-commands', 2);
      const owner = await becomeOwner(log(), unique('owner'));
      await until('all partitions granted', () => owner.owned.size === 4);
      const owned = owner.owned.get(2) as OwnedPartition;
      await log().send([{ topic: 'execution-commands', partition: 2, records: records('k', 0, 3) }]);
      const commands: number[] = [];
      for await (const batch of owned.commands(commandsFrom)) {
        commands.push(...batch.map(numberIn));
        if (commands.length === 3) break;
      }
      expect(commands).toEqual([0, 1, 2]);
      const claim = await owned.claim();
      const execution = unique('execution');
      const events = ['one', 'two'].map((tag, index) => eventRecord(claim, { execution, version: index + 1, tag }));
      const { baseOffset } = await owned.append(events, [{ topic: 'node-tasks', partition: 7, records: records('task', 0, 2) }]);
      expect(baseOffset).toBe(claim + 1);
      const found = [];
      for await (const slice of owned.readEvents(claim, baseOffset + 2)) found.push(...slice);
      expect(found.map(isClaim)).toEqual([true, false, false]);
      expect(tags(await acceptedFrom(log(), 2, claim))).toEqual(['one', 'two']);
      await until('the follow-ups', async () => (await log().end('node-tasks', 7)) === tasksFrom + 2);
      await owner.subscription.stop();
      expect(owned.signal.aborted).toBe(true);
    });

    it("voids a zombie's append after a hand-over", async () => {
      const group = unique('owners');
      const [a, b] = [await harness().open(), await harness().open()];
      const first = await becomeOwner(a, group);
      await until('the first owns all', () => first.owned.size === 4);
      const zombie = first.owned.get(1) as OwnedPartition;
      const execution = unique('execution');
      const from = await log().end('execution-events', 1);
      const oldClaim = await appendUnderClaim(zombie, (claim) => [eventRecord(claim, { execution, version: 1, tag: 'alive' })]);
      const second = await becomeOwner(b, group);
      await first.subscription.stop();
      await until('the second owns all', () => second.owned.size === 4);
      expect(zombie.signal.aborted).toBe(true);
      const newClaim = await appendUnderClaim(second.owned.get(1) as OwnedPartition, (claim) => [eventRecord(claim, { execution, version: 2, tag: 'successor' })]);
      expect(newClaim).toBeGreaterThan(oldClaim);
      await expect(zombie.append([eventRecord(oldClaim, { execution, version: 2, tag: 'zombie' })])).rejects.toBeInstanceOf(AppendLost);
      await harness().delayedAppend(1, oldClaim, [eventRecord(oldClaim, { execution, version: 2, tag: 'late' })]);
      expect(tags(await acceptedFrom(log(), 1, from))).toEqual(['alive', 'successor']);
      await Promise.all([a.stop(), b.stop()]);
    });

    it('voids an append that timed out and landed after the next claim', async () => {
      const owner = await becomeOwner(log(), unique('late'));
      await until('ownership', () => owner.owned.has(3));
      const owned = owner.owned.get(3) as OwnedPartition;
      const execution = unique('execution');
      const from = await log().end('execution-events', 3);
      const firstClaim = await appendUnderClaim(owned, (claim) => [eventRecord(claim, { execution, version: 1, tag: 'one' })]);
      const secondClaim = await owned.claim();
      await harness().delayedAppend(3, firstClaim, [eventRecord(firstClaim, { execution, version: 2, tag: 'late' })]);
      await appendUnderClaim(owned, (claim) => [eventRecord(claim, { execution, version: 2, tag: 'two' })], secondClaim);
      expect(tags(await acceptedFrom(log(), 3, from))).toEqual(['one', 'two']);
      await owner.subscription.stop();
    });

    it('appends a full slice of 256 events and 512 KiB as one batch', async () => {
      const owner = await becomeOwner(log(), unique('slice'));
      await until('ownership', () => owner.owned.has(0));
      const owned = owner.owned.get(0) as OwnedPartition;
      const execution = unique('execution');
      let events = 0;
      const claim = await appendUnderClaim(owned, (under) => {
        const slice = Array.from({ length: 256 }, (_, index) => eventRecord(under, { execution, version: index + 1, tag: 'n', padding: 2_000, more: index === 255 }));
        events = slice.length;
        return slice;
      });
      const accepted = await acceptedFrom(log(), 0, claim);
      expect(accepted.map((event) => event.version)).toEqual(Array.from({ length: events }, (_, index) => index + 1));
      expect(accepted.map((event) => event.more)).toEqual(accepted.map((_, index) => index === 255));
      await owner.subscription.stop();
    });

    it('refuses an event over the size limit, writing nothing of its batch', async () => {
      const owner = await becomeOwner(log(), unique('large'));
      await until('ownership', () => owner.owned.has(0));
      const owned = owner.owned.get(0) as OwnedPartition;
      const execution = unique('execution');
      const claim = await owned.claim();
      const batch = [eventRecord(claim, { execution, version: 1, tag: 'small' }), eventRecord(claim, { execution, version: 2, tag: 'large', padding: log().maxRecordBytes })];
      await expect(owned.append(batch)).rejects.toBeInstanceOf(RecordTooLarge);
      expect(await acceptedFrom(log(), 0, claim)).toEqual([]);
      await appendUnderClaim(owned, (under) => [eventRecord(under, { execution, version: 1, tag: 'next' })], claim);
      expect(tags(await acceptedFrom(log(), 0, claim))).toEqual(['next']);
      await owner.subscription.stop();
    });

    it('resumes at the right command after a stop in the middle, also in the middle of its slices', async () => {
      const group = unique('resume');
      const execution = unique('execution');
      const commandsFrom = await log().end('execution-commands', 0);
      const eventsFrom = await log().end('execution-events', 0);
      const commands = 30;
      await log().send([{ topic: 'execution-commands', partition: 0, records: records(execution, 0, commands) }]);
      const [a, b] = [await harness().open(), await harness().open()];
      const first = await runOwner(a, group, execution, commandsFrom, eventsFrom, 41);
      await until('the first stops in the middle of a command', () => first.appended === 41);
      await first.subscription.stop();
      const second = await runOwner(b, group, execution, commandsFrom, eventsFrom, Number.POSITIVE_INFINITY);
      await until('the second ends the work', async () => (await acceptedFrom(log(), 0, eventsFrom)).length >= commands * slicesPerCommand);
      await second.subscription.stop();
      const accepted = await acceptedFrom(log(), 0, eventsFrom);
      expect(tags(accepted)).toEqual(Array.from({ length: commands * slicesPerCommand }, (_, index) => `${Math.floor(index / slicesPerCommand)}.${index % slicesPerCommand}`));
      expect(accepted.map((event) => event.version)).toEqual(accepted.map((_, index) => index + 1));
      await Promise.all([a.stop(), b.stop()]);
    });

    it('reads only claims in an events partition nobody decided on', async () => {
      const owner = await becomeOwner(log(), unique('idle'));
      await until('ownership', () => owner.owned.has(2));
      const owned = owner.owned.get(2) as OwnedPartition;
      const [first, second] = [await owned.claim(), await owned.claim()];
      expect(second).toBe(first + 1);
      expect((await readAll(log(), 'execution-events', 2, first)).map(isClaim)).toEqual([true, true]);
      await owner.subscription.stop();
    });
  });
};

const slicesPerCommand = 4;

/** A tiny engine on partition 0: each command is decided in four slices of one event; all but the last say `more`. It stops dead after `limit` appends. */
const runOwner = async (log: EventLog, group: string, execution: string, commandsFrom: number, eventsFrom: number, limit: number) => {
  const progress = { appended: 0 };
  const owner = await becomeOwner(log, group, async (owned) => {
    if (owned.partition !== 0) return;
    restart: while (!owned.signal.aborted) {
      const claim = await owned.claim();
      const rule = new AcceptedEvents();
      let version = 0;
      let at = commandsFrom;
      let slice = 0;
      for await (const batch of owned.readEvents(eventsFrom, claim + 1))
        for (const record of batch) {
          const event = rule.accept(record)?.event;
          if (!event) continue;
          version = event.version;
          at = event.more ? event.commandOffset : event.commandOffset + 1;
          slice = event.more ? Number((event.data as { node_id: string }).node_id.split('.')[1]) + 1 : 0;
        }
      for await (const batch of owned.commands(at))
        for (const command of batch) {
          for (; slice < slicesPerCommand; slice++) {
            if (progress.appended >= limit) return;
            const event = { execution, version: version + 1, tag: `${numberIn(command)}.${slice}`, commandOffset: command.offset, more: slice < slicesPerCommand - 1 };
            try {
              await owned.append([eventRecord(claim, event)]);
            } catch (error) {
              if (error instanceof AppendLost) continue restart;
              throw error;
            }
            version++;
            progress.appended++;
          }
          slice = 0;
        }
    }
  });
  return Object.assign(progress, { subscription: owner.subscription });
};

import { describe, expect, it } from '@jest/globals';
import { AppendLost, type NewRecord, type Outgoing, type Urgency } from '@runlog/event-log';
import { Outbox } from './outbox.js';

const record = (key: string): NewRecord => ({ key, value: '{}' });
const slice = (key: string, bytes = 100, urgency: Urgency = 'now') => ({ records: [record(key)], bytes, lastId: key, followUps: [], urgency });
const unchanged = { instance: 'gateway-1', reply: { type: 'unchanged', commandId: 'c', executionId: 'e', version: 1 } } as const;

/** A partition whose appends the test lets land, or fail, one by one. */
const openOutbox = (lingerMs = 0) => {
  const appends: { keys: string[]; followUps: number; urgency: Urgency; land(): void; lose(): void }[] = [];
  const sent: (readonly Outgoing[])[] = [];
  let failures = 0;
  let next = 10;
  const outbox = new Outbox(
    {
      lingerMs,
      append: (records, followUps = [], urgency = 'now') =>
        new Promise((resolve, reject) => {
          const baseOffset = next;
          next += records.length;
          appends.push({
            keys: records.map(({ key }) => key),
            followUps: followUps.length,
            urgency,
            land: () => resolve({ baseOffset }),
            lose: () => reject(new AppendLost(0, 'it was held')),
          });
        }),
    },
    { partitions: () => 4, maxRecordBytes: 1_000_000, send: async (outgoing) => void sent.push(outgoing) },
    { nextEvent: 10, previous: '' },
    () => failures++,
  );
  return { outbox, appends, sent, failures: () => failures };
};

describe('Outbox', () => {
  it('collects while one append is in flight', async () => {
    const { outbox, appends } = openOutbox();
    await outbox.add(slice('a'));
    outbox.flush();
    await outbox.add(slice('b'));
    await outbox.add(slice('c'));
    outbox.flush();
    expect(appends.map(({ keys }) => keys)).toEqual([['a']]);
    appends[0]?.land();
    const drained = outbox.drained();
    while (appends.length < 2) await Promise.resolve();
    appends[1]?.land();
    await drained;
    expect(appends.map(({ keys }) => keys)).toEqual([['a'], ['b', 'c']]);
    expect(outbox.acknowledged).toEqual({ nextEvent: 13, previous: 'c' });
  });
  it('lets nothing leave before the append it rests on has landed', async () => {
    const { outbox, appends, sent } = openOutbox();
    await outbox.add(slice('a'));
    outbox.flush();
    outbox.say(unchanged);
    outbox.flush();
    expect(sent).toEqual([]);
    appends[0]?.land();
    await outbox.drained();
    expect(sent).toHaveLength(1);
  });
  it('lets nothing leave once an append is lost', async () => {
    const { outbox, appends, sent, failures } = openOutbox();
    await outbox.add(slice('a'));
    outbox.flush();
    outbox.say(unchanged);
    await outbox.add(slice('b'));
    appends[0]?.lose();
    await expect(outbox.drained()).rejects.toBeInstanceOf(AppendLost);
    expect(() => outbox.add(slice('c'))).toThrow(AppendLost);
    expect([appends.length, sent.length, failures()]).toEqual([1, 0, 1]);
  });
  it('never makes an append larger than a broker takes', async () => {
    const { outbox, appends } = openOutbox();
    for (const key of ['a', 'b']) await outbox.add(slice(key, 300_000));
    const third = outbox.add(slice('c', 300_000));
    appends[0]?.land();
    await third;
    appends[1]?.land();
    while (appends.length < 3) await Promise.resolve();
    expect(appends.map(({ keys }) => keys)).toEqual([['a'], ['b'], ['c']]);
  });
  it('is not level when it closes with something still to write', async () => {
    const { outbox } = openOutbox();
    await outbox.add(slice('a'));
    expect(await outbox.close()).toBe(false);
  });

  it('writes as soon as anything that it writes together asks for, and never keeps what has to leave', async () => {
    const { outbox, appends } = openOutbox();
    await outbox.add(slice('a', 100, 'soon'));
    outbox.flush();
    await outbox.add(slice('b', 100, 'soon'));
    await outbox.add(slice('c', 100, 'now'));
    appends[0]?.land();
    const drained = outbox.drained();
    while (appends.length < 2) await new Promise(setImmediate);
    await outbox.add(slice('d', 100, 'soon'));
    outbox.say(unchanged);
    appends[1]?.land();
    while (appends.length < 3) await new Promise(setImmediate);
    appends[2]?.land();
    await drained;
    expect(appends.map(({ keys, urgency }) => [...keys, urgency])).toEqual([
      ['a', 'soon'],
      ['b', 'c', 'now'],
      ['d', 'now'],
    ]);
  });

  it('keeps what nobody waits for until something else comes, or for as long as its log wants', async () => {
    const { outbox, appends } = openOutbox(60_000);
    await outbox.add(slice('a', 100, 'soon'));
    outbox.flush();
    await outbox.add(slice('b', 100, 'soon'));
    outbox.flush();
    expect(appends).toEqual([]);
    await outbox.add(slice('c', 100, 'now'));
    outbox.flush();
    expect(appends.map(({ keys }) => keys)).toEqual([['a', 'b', 'c']]);
    appends[0]?.land();
    await outbox.drained();
    await outbox.add(slice('d', 100, 'soon'));
    outbox.flush();
    const drained = outbox.drained();
    expect(appends.map(({ keys }) => keys)).toEqual([['a', 'b', 'c'], ['d']]);
    appends[1]?.land();
    await drained;
    const brief = openOutbox(1);
    for (const [index, key] of ['e', 'f'].entries()) {
      await brief.outbox.add(slice(key, 100, 'soon'));
      brief.outbox.flush();
      while (brief.appends.length === index) await new Promise((resolve) => setTimeout(resolve, 1));
      brief.appends[index]?.land();
      await brief.outbox.drained();
    }
  });
});

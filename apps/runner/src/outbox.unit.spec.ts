import { describe, expect, it } from '@jest/globals';
import type { Outgoing } from '@runlog/event-log';
import { Outbox } from './outbox.js';

/** A log that takes a while over each send and keeps what it got. */
const slowLog = () => {
  const sends: string[][] = [];
  let inFlight = 0;
  return {
    sends,
    partitions: () => 2,
    send: async ([outgoing]: readonly Outgoing[]) => {
      expect(++inFlight).toBe(1);
      await new Promise((done) => setImmediate(done));
      sends.push((outgoing?.records ?? []).map(({ value }) => String(value)));
      inFlight--;
    },
  };
};

describe('Outbox', () => {
  it('keeps the order of a partition and collects while a send is in flight', async () => {
    const log = slowLog();
    const outbox = new Outbox(log, 'execution-commands');
    await Promise.all(['a', 'b', 'c'].map((value) => outbox.send(0, { key: 'k', value })));
    const first = outbox.send(0, { key: 'k', value: 'd' });
    await Promise.resolve();
    await Promise.resolve();
    const later = ['e', 'f'].map((value) => outbox.send(0, { key: 'k', value }));
    await Promise.all([first, ...later]);
    expect(log.sends).toEqual([['a', 'b', 'c'], ['d'], ['e', 'f']]);
  });

  it('lets a record linger, and sends it along with one that does not', async () => {
    const log = slowLog();
    const outbox = new Outbox(log, 'execution-commands');
    const lingering = outbox.send(1, { key: 'k', value: 'start' }, 60_000);
    await outbox.send(1, { key: 'k', value: 'end' });
    await lingering;
    await outbox.send(1, { key: 'k', value: 'alone' }, 2);
    expect(log.sends).toEqual([['start', 'end'], ['alone']]);
  });

  it('slices what is too much for one batch', async () => {
    const log = slowLog();
    const outbox = new Outbox(log, 'execution-commands');
    await Promise.all(Array.from({ length: 5 }, () => outbox.send(0, { key: 'k', value: 'x'.repeat(200 * 1024) })));
    expect(log.sends.map((records) => records.length)).toEqual([2, 2, 1]);
  });
});

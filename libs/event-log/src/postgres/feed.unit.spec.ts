import { describe, expect, it } from '@jest/globals';
import type { LogRecord } from '../port.js';
import { Feed } from './feed.js';

const written = (from: number, count: number, bytes = 10): LogRecord[] =>
  Array.from({ length: count }, (_, index) => ({ topic: 'execution-events', partition: 0, offset: from + index, key: '', headers: {}, value: Buffer.alloc(bytes), at: 0 }));

const fill = (feed: Feed, count: number, bytes?: number): void => {
  for (let left = count; left > 0; left -= 100) feed.push(written(feed.end, Math.min(left, 100), bytes));
};

describe('a feed', () => {
  it('keeps what its readers still need, and of the rest only the newest', () => {
    const feed = new Feed(0);
    const stop = new AbortController();
    const slow = feed.follow(0, stop.signal);
    const level = feed.follow(0, stop.signal);
    fill(feed, 1_000);
    level.at = 1_000;
    expect(feed.take(0, 2_000)).toHaveLength(1_000);
    slow.at = 600;
    fill(feed, 100);
    expect(feed.take(600, 2_000)).toHaveLength(500);
    expect(feed.take(0, 1)).toBeUndefined();
    stop.abort();
    fill(feed, 500);
    expect(feed.take(600, 1)).toBeUndefined();
    expect(feed.take(1_500, 2_000)).toHaveLength(100);
  });

  it('lets a reader that is far behind read the table, by number and by bytes', () => {
    for (const [count, bytes] of [
      [9_000, 10],
      [200, 100_000],
    ] as const) {
      const feed = new Feed(0);
      const behind = feed.follow(0, new AbortController().signal);
      fill(feed, count, bytes);
      expect(feed.take(behind.at, 1)).toBeUndefined();
      expect(feed.take(count - 1, 1)).toHaveLength(1);
    }
  });

  it('wakes whoever waits for more, and whoever is to stop', async () => {
    const feed = new Feed(5);
    const stop = new AbortController();
    const waiting = [feed.follow(5, stop.signal), feed.follow(7, stop.signal)].map((follower) => follower.beyond());
    feed.push(written(5, 1));
    await waiting[0];
    stop.abort();
    await waiting[1];
    await feed.follow(4, stop.signal).beyond();
  });
});

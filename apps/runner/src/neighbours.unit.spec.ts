import { describe, expect, it } from '@jest/globals';
import type { Heartbeat } from '@runlog/execution';
import { Neighbours } from './neighbours.js';

const beat = (runner: string, more: Partial<Heartbeat> = {}): Heartbeat => ({
  runner,
  at: 0,
  kinds: ['code'],
  slots: 4,
  free: 2,
  backlog: 0,
  partitions: [7],
  stopping: false,
  ...more,
});

describe('Neighbours', () => {
  it('names a partition of the one with most room, until that is used up', () => {
    const neighbours = new Neighbours('me');
    neighbours.hear(beat('a'), 0);
    neighbours.hear(beat('b', { free: 4, partitions: [3] }), 0);
    expect(Array.from({ length: 7 }, () => neighbours.place('code', 1))).toEqual([3, 3, 7, 3, 7, 3, undefined].sort((x, y) => Number(x === undefined) - Number(y === undefined)));
  });

  it.each([
    ['itself', beat('me'), 1, 'code'],
    ['one that is silent', beat('a'), 3_001, 'code'],
    ['one that is stopping', beat('a', { stopping: true }), 1, 'code'],
    ['one that does not serve the kind', beat('a'), 1, 'http'],
    ['one with a backlog as large as its room', beat('a', { backlog: 2 }), 1, 'code'],
    ['one that reads no partition', beat('a', { partitions: [] }), 1, 'code'],
  ])('passes nothing on to %s', (_whom, heartbeat, now, kind) => {
    const neighbours = new Neighbours('me');
    neighbours.hear(heartbeat, 0);
    expect(neighbours.place(kind, now)).toBeUndefined();
  });
});

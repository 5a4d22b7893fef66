import { describe, expect, it } from '@jest/globals';
import { choose, type KeyStanding, outdated, type Waiting } from './choosing.js';
import { DOOMED, NEWCOMER, placeOf } from './place.js';

const key = (name: string, given: Partial<KeyStanding> = {}): KeyStanding => ({ key: name, held: 0, head: NEWCOMER, turn: 0, ...given });
const waits = (name: string, ...places: number[]): Waiting[] =>
  places.map((place) => ({ execution_id: `${name}${place}`, workspace_id: 'w', key: name, ticket: 2, place: place < 0 ? -place : NEWCOMER + place }));
const ids = ({ granted }: ReturnType<typeof choose>) => granted.map(({ execution_id }) => execution_id);

describe('who is next', () => {
  it('is whoever stands first, over all keys', () => {
    const waiting = [...waits('a', 5, 1), ...waits('b', 3), ...waits('', 2, 4)];
    expect(ids(choose([key('a'), key('b'), key('')], waiting, 4, 9, false, 0))).toEqual(['a1', '2', 'b3', '4']);
  });

  it('is nobody of a key whose slots are all held; without a key there is no such limit', () => {
    const waiting = [...waits('a', 1, 2), ...waits('', 3, 4, 5)];
    expect(ids(choose([key('a', { held: 1 }), key('')], waiting, 9, 2, false, 0))).toEqual(['a1', '3', '4', '5']);
  });

  it('is whoever comes back from a suspension, ahead of every newcomer', () => {
    const waiting = [...waits('a', 1), ...waits('b', -900)];
    for (const roundRobin of [false, true]) expect(ids(choose([key('a'), key('b', { turn: 7 })], waiting, 1, 9, roundRobin, 7))).toEqual(['b-900']);
  });

  it('by turns is the key that was served longest ago, however many it has waiting', () => {
    const waiting = [...waits('a', 1, 2, 3, 4), ...waits('b', 8, 9), ...waits('c', 7)];
    const choice = choose([key('a', { turn: 1 }), key('c', { turn: 2 }), key('b', { turn: 3 })], waiting, 5, 9, true, 3);
    expect(ids(choice)).toEqual(['a1', 'c7', 'b8', 'a2', 'b9']);
    expect(choice.turn).toBe(8);
  });

  it('leaves each key with its next head, and puts right one at which nobody stands', () => {
    const choice = choose([key('a'), key('b', { head: NEWCOMER + 1 }), key('c')], [...waits('a', 1, 2), ...waits('b', 6)], 1, 9, false, 0);
    expect(choice.keys).toEqual([
      { key: 'a', granted: 1, head: NEWCOMER + 2, turn: 1 },
      { key: 'b', granted: 0, head: NEWCOMER + 6, turn: null },
      { key: 'c', granted: 0, head: DOOMED, turn: null },
    ]);
  });
});

describe('a place', () => {
  it('is the time of arrival less the head start, so that nobody who comes later than that is ahead', () => {
    const at = (since: number, priority = 0) => placeOf({ again: false, since, priority });
    expect(at(10_000, 5)).toBeLessThan(at(6_000));
    expect(at(11_001, 5)).toBeGreaterThan(at(6_000));
    expect(placeOf({ again: true, since: 99_999, priority: 0 })).toBeLessThan(at(0, 1_000_000));
  });
});

describe('outdated', () => {
  it('are all but the newest', () => {
    const members = [3, 1, 2].map((queued_at) => ({ execution_id: `e${queued_at}`, queued_at }));
    expect(outdated(members, 2).map(({ execution_id }) => execution_id)).toEqual(['e1']);
    expect(outdated(members, 3)).toEqual([]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { KnownIds } from './known-ids.js';

const timed = (n: number): string => `${n.toString(16).padStart(8, '0')}-0000-7000-8000-000000000000`;

describe('KnownIds', () => {
  it('knows an id above every created one to be new', () => {
    const known = new KnownIds(timed(5));
    expect(known.isNew(timed(6))).toBe(true);
    expect(known.isNew(timed(5))).toBe(false);
    expect(known.isNew(timed(4))).toBe(false);
  });
  it('knows an id that came out of order to be new until it is remembered', () => {
    const known = new KnownIds(timed(5));
    known.remember(timed(9));
    expect(known.isNew(timed(7))).toBe(true);
    known.remember(timed(7));
    expect(known.isNew(timed(7))).toBe(false);
    expect(known.newest).toBe(timed(9));
  });
  it('never says new of a created one, however many follow', () => {
    const known = new KnownIds('');
    for (let n = 1; n <= 250_000; n++) known.remember(timed(n));
    expect(known.isNew(timed(1))).toBe(false);
    expect(known.isNew(timed(249_999))).toBe(false);
    expect(known.isNew(timed(250_001))).toBe(true);
  });
  it('says nothing about ids without a time', () => {
    const known = new KnownIds('');
    const derived = 'ffffffff-0000-5000-8000-000000000000';
    known.remember(derived);
    expect(known.isNew(derived)).toBe(false);
    expect(known.newest).toBe('');
  });
});

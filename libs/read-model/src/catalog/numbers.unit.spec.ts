import { describe, expect, it } from '@jest/globals';
import Sqids from 'sqids';
import { hashidOf } from './numbers.js';

describe('a hashid', () => {
  const sequences = Array.from({ length: 20_000 }, (_, n) => n);

  it('is what sqids makes of its number, also where that holds a word that it passes over', () => {
    const sqids = new Sqids({ minLength: 5 });
    const unheeding = new Sqids({ minLength: 5, blocklist: new Set() });
    expect(sequences.map(hashidOf)).toEqual(sequences.map((n) => sqids.encode([n])));
    expect(sequences.some((n) => unheeding.encode([n]) !== hashidOf(n))).toBe(true);
  });
});

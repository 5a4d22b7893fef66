import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PageSize, runsOf } from './pacing.js';

describe('runsOf', () => {
  it('keeps every item in order, in runs of at most 128 KiB or of one item', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200_000 })), (sizes) => {
        const runs = [...runsOf(sizes, (size) => size)];
        expect(runs.flat()).toEqual(sizes);
        for (const run of runs) expect(run.length === 1 || run.reduce((sum, size) => sum + size, 0) <= 128 * 1024).toBe(true);
        expect(runs.every((run) => run.length > 0)).toBe(true);
      }),
    );
  });
});

describe('PageSize', () => {
  it('shrinks at once where rows are large, and grows by steps where they are small', () => {
    const page = new PageSize();
    page.saw(8, 8 * 64 * 1024);
    expect(page.rows).toBe(2);
    page.saw(2, 400);
    expect(page.rows).toBe(8);
    for (let i = 0; i < 5; i++) page.saw(page.rows, page.rows * 200);
    expect(page.rows).toBe(500);
    page.saw(1, 900_000);
    expect(page.rows).toBe(1);
  });
});

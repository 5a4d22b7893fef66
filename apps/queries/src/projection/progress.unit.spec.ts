import { describe, expect, it } from '@jest/globals';
import { isLevel } from './progress.js';

describe('isLevel', () => {
  const batch = (offsets: readonly number[], end: number) => ({
    topic: 'execution-events' as const,
    partition: 0,
    records: offsets.map((offset) => ({ topic: 'execution-events' as const, partition: 0, offset, key: '', headers: {}, value: Buffer.alloc(0), at: 0 })),
    end,
  });

  it('tells a batch behind which more is known from the last one, however many records it has', () => {
    expect(isLevel(batch([7, 8], 9))).toBe(true);
    expect(isLevel(batch([7, 8], 10))).toBe(false);
  });
});

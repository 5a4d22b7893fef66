import { describe, expect, it } from '@jest/globals';
import { ranTooLong } from './time-limit.js';

const agent = (seconds?: number) => ({ key: 'support', limits: seconds === undefined ? {} : { seconds } });

describe('a limit of time', () => {
  it.each([
    [30_000, agent(30), "Agent 'support' ran longer than its limit of 30 s ('limits.seconds')"],
    [3_600_000, agent(), "Agent 'support' ran longer than its limit of 3600 s ('limits.seconds')"],
    [5_000, agent(30), "The node ran longer than its limit of 5000 ms ('timeout_ms')"],
    [5_000, null, "The node ran longer than its limit of 5000 ms ('timeout_ms')"],
  ])('of %i ms is told in the words of the definition', (limitMs, whose, said) => expect(ranTooLong(limitMs, whose)).toBe(said));
});

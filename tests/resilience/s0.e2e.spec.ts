import { describe, expect, it } from '@jest/globals';
import { clean, runScript } from './run-script.js';

describe('S0: 200 executions, 10 kill -9 over all services, a real broker', () => {
  it('keeps every invariant', async () => {
    const { violations, counts } = await runScript('storm.mjs', '--executions', '200', '--kills', '10', '--stops', '0', '--seed', '1', '--minutes', '3');
    expect(violations).toEqual(clean(violations));
    expect(counts).toMatchObject({ executions: 200 });
  }, 240_000);
});

import { describe, expect, it } from '@jest/globals';
import { clean, runScript } from './run-script.js';

describe('40 executions of every class of effect, 6 kills of engines and runners in the middle of them, on a real broker', () => {
  it('have their effects as they declare them, says the world outside', async () => {
    const { violations, counts } = await runScript('effects-storm.mjs', '--executions', '40', '--kills', '6', '--seed', '1', '--minutes', '3');
    expect(violations).toEqual(clean(violations));
    expect(counts).toMatchObject({ executions: 40, retries: 14 });
    expect(Number(counts.lost) + Number(counts.unknown)).toBeGreaterThan(0);
    expect(counts.returned).toBeGreaterThan(0);
  }, 240_000);
});

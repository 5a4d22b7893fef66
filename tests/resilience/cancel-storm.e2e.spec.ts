import { describe, expect, it } from '@jest/globals';
import { clean, runScript } from './run-script.js';

describe('40 executions cancelled at random moments, with a runner that dies of it, on a real broker', () => {
  it('keep the fence, end once, and have receipts that say what the log says', async () => {
    const { violations, counts } = await runScript('cancel-storm.mjs', '--executions', '40', '--kills', '1', '--seed', '1', '--minutes', '2');
    expect(violations).toEqual(clean(violations));
    expect(counts).toMatchObject({ executions: 40 });
    expect((counts.outcomes as { stopped: number }).stopped).toBeGreaterThan(0);
  }, 150_000);
});

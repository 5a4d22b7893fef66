import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const script = fileURLToPath(new URL('./simulate.mjs', import.meta.url));
const simulate = async (...args: string[]): Promise<string> => (await promisify(execFile)(process.execPath, [script, ...args])).stdout;

describe('200 seeds', () => {
  it('keep every promise', async () => {
    expect(await simulate('--seeds', '200')).toMatch(/200 seeds in .* 0 failed/);
  }, 60_000);
});

describe('one seed', () => {
  it('writes the same log twice', async () => {
    const [one, other] = await Promise.all([simulate('--seed', '7'), simulate('--seed', '7')]);
    expect(one).toContain('log ');
    expect(other).toBe(one);
  }, 60_000);
});

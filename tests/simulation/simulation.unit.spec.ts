import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const script = fileURLToPath(new URL('./simulate.mjs', import.meta.url));
const simulate = (...args: string[]): Promise<string> => new Promise((resolve) => execFile(process.execPath, [script, ...args], (_, stdout, stderr) => resolve(stdout + stderr)));
const patienceMs = 240_000;

describe('200 seeds', () => {
  it(
    'keep every promise',
    async () => {
      expect(await simulate('--seeds', '200')).toMatch(/^200 seeds in .* 0 failed$/m);
    },
    patienceMs,
  );
});

describe('one seed', () => {
  it(
    'writes the same log twice',
    async () => {
      const [one, other] = await Promise.all([simulate('--seed', '7'), simulate('--seed', '7')]);
      expect(one).toMatch(/^seed 7: \d+ events, log [0-9a-f]{64}$/m);
      expect(other).toBe(one);
    },
    patienceMs,
  );
});

describe('a planted bug', () => {
  it.each(['follow-ups-before-append', 'claims-ignored', 'timer-fires-early'])(
    '%s is caught',
    async (bug) => {
      expect(await simulate('--fault', bug, '--seeds', '100')).toContain(`--fault ${bug}`);
    },
    patienceMs,
  );
});

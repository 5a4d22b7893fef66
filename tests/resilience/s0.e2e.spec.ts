import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

/** Runs the storm in a process of its own: it forks, kills and waits, and shares nothing with the test runner. */
const runStorm = (...options: string[]): Promise<{ code: number | null; result: Record<string, unknown> | undefined; noise: string }> =>
  new Promise((done) => {
    const child = spawn(process.execPath, [resolve('tests/resilience/storm.mjs'), ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [text, noise] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (noise += chunk.toString()));
    child.on('exit', (code) => done({ code, result: text ? (JSON.parse(text) as Record<string, unknown>) : undefined, noise }));
  });

describe('S0: 200 executions, 10 kill -9 over all services, a real broker', () => {
  it('keeps every invariant', async () => {
    const { code, result, noise } = await runStorm('--executions', '200', '--kills', '10', '--stops', '0', '--seed', '1', '--minutes', '3');
    if (!result) throw new Error(`The storm ended with ${code}:\n${noise.slice(-4000)}`);
    for (const [name, violations] of Object.entries(result.violations as Record<string, string[]>)) expect({ [name]: violations }).toEqual({ [name]: [] });
    expect(result.counts).toMatchObject({ executions: 200 });
  }, 240_000);
});

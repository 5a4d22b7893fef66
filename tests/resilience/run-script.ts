import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

interface Ran {
  readonly violations: Readonly<Record<string, string[]>>;
  readonly counts: Readonly<Record<string, unknown>>;
}

/** Runs a storm in a process of its own: it forks, kills and waits, and shares nothing with the test runner. Rejects with its last words when it gave no result. */
export const runScript = (name: string, ...options: string[]): Promise<Ran> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [resolve('tests/resilience', name), ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [text, noise] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (noise += chunk.toString()));
    child.on('exit', (code) => (text ? done(JSON.parse(text) as Ran) : fail(new Error(`${name} ended with ${code}:\n${noise.slice(-4000)}`))));
  });

/** Every list of violations by name, for a message that shows what broke. */
export const clean = (violations: Ran['violations']): Ran['violations'] => Object.fromEntries(Object.keys(violations).map((name) => [name, []]));

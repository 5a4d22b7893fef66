import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Execution } from '../product.js';

const here = resolve('tests/conformance/agents');

interface Environment {
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Makes the client's environment unless it is there. Says what to install where Python is missing. */
export const clientReady = async (): Promise<Environment> => {
  const { pythonWith } = await import(pathToFileURL(resolve('deploy/local/python.mjs')).href);
  return pythonWith(`${here}/requirements.txt`);
};

/** Runs a program with the published Python client, unchanged, in an environment of its own; resolves with what it saw. */
export const publishedClient = async (asked: object, program: 'client.py' | 'executing.py' = 'client.py'): Promise<Execution> => {
  const { python, env } = await clientReady();
  const child = spawn(python, [`${here}/${program}`], { env: { ...env, NO_PROXY: '*', no_proxy: '*' }, stdio: ['pipe', 'pipe', 'pipe'] });
  const [out, complaints]: string[][] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out?.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => complaints?.push(chunk.toString()));
  child.stdin.end(JSON.stringify(asked));
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`Expected the published client to do all that it was asked, but it ended with ${code}: ${complaints?.join('')}`);
  return JSON.parse(out?.join('') ?? '');
};

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from '@jest/globals';

it('every operation answers as the OpenAPI document says, whatever is sent', async () => {
  const { fuzz } = (await import(pathToFileURL(resolve('tests/fuzz/fuzz.mjs')).href)) as {
    fuzz(options: readonly string[]): Promise<{ code: number | string; output: string; requests: number; log: string }>;
  };
  const { code, output, requests } = await fuzz(['--phases', 'examples,fuzzing', '--max-examples', '12', '--seed', '1', '--generation-deterministic', '--workers', '2']);
  if (code !== 0) throw new Error(output);
  expect(requests).toBeGreaterThan(400);
}, 900_000);

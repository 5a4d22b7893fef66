import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';

interface PlantedBug {
  readonly name: string;
  readonly file: string;
  readonly find: string;
}
const { plantedBugs } = (await import(pathToFileURL(resolve('tests/simulation/planted-bugs.mjs')).href)) as { plantedBugs: readonly PlantedBug[] };

describe('planted bugs', () => {
  it.each(plantedBugs)('$name can be planted: its place is in $file, once', ({ file, find }) => {
    expect(readFileSync(file, 'utf8').split(find)).toHaveLength(2);
  });

  it('are in the report, each of them', () => {
    const report = readFileSync('docs/planted-bugs.md', 'utf8');
    expect(plantedBugs.filter(({ name }) => !report.includes(`| \`${name}\` |`))).toEqual([]);
  });
});

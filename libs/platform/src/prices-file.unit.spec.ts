import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readConfig } from './config.js';

describe('RUNLOG_PRICES', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'runlog-prices-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const reading = (text: string) => {
    const path = join(folder, 'prices.json');
    writeFileSync(path, text);
    return () => readConfig({ RUNLOG_PRICES: path }).prices;
  };
  const house = { model: 'house', input: 0.000001, cache_read: 1e-7, output: 2 };

  it('is read at start', () => expect(reading(JSON.stringify([house]))()).toEqual([house]));
  it('may be left out', () => expect(readConfig({}).prices).toEqual([]));

  it.each([
    ['a file that is not there', undefined, /RUNLOG_PRICES: expected a readable JSON file, but '.*' is none: ENOENT/],
    ['broken JSON', '[{', /expected a readable JSON file/],
    ['no list', '{}', /prices\.json', \/: expected an array of \{model, input, cache_read\?/],
    ['no output', JSON.stringify([{ model: 'm', input: 1 }]), /\/0\/output: expected a number of USD per million tokens/],
    ['a price in words', JSON.stringify([{ ...house, input: '1' }]), /\/0\/input: expected a number of USD/],
    ['a negative price', JSON.stringify([house, { ...house, model: 'b', output: -1 }]), /\/1\/output: expected no negative price/],
    ['too many places', JSON.stringify([{ ...house, input: 0.0000000001 }]), /\/0\/input: expected at most 9 decimal places/],
    ['a misspelt member', JSON.stringify([{ ...house, cached: 1 }]), /\/0: Unrecognized key: "cached"/],
    ['a model twice', JSON.stringify([house, house]), /\/1\/model: expected one price of 'house', but \/0 has one, too/],
  ])('is refused for %s', (_, text, expected) => expect(text === undefined ? () => readConfig({ RUNLOG_PRICES: join(folder, 'none.json') }) : reading(text)).toThrow(expected));
});

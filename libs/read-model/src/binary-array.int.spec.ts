import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestDatabase, type TestDatabase } from '@runlog/testing';
import pg from 'pg';
import { binaryArray, type ElementType } from './binary-array.js';

describe('an array in binary', () => {
  let server: TestDatabase;
  let client: pg.Client;

  beforeAll(async () => {
    server = await startTestDatabase();
    client = new pg.Client({ connectionString: server.connectionString });
    await client.connect();
  }, 60_000);

  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  const read = async (type: ElementType, values: readonly unknown[]): Promise<(string | null)[]> =>
    (await client.query(`select v::text as v from unnest($1::${type}[]) with ordinality as r (v, n) order by n`, [binaryArray(type, values)])).rows.map(({ v }) => v);

  it.each<[ElementType, readonly (string | number | boolean | null)[]]>([
    ['uuid', ['01a203e1-3004-76bb-ab25-bebe66a7da85', null, 'FFFFFFFF-ffff-4fff-bfff-ffffffffffff']],
    ['text', ['', 'a "quoted" \\ {text}, NULL', null, 'žluťoučký 🐎', 'x'.repeat(100_000)]],
    ['json', ['{"a": 1}', null, '"\\u0000"', '[]']],
    ['integer', [0, -1, 2_147_483_647, -2_147_483_648, null]],
    [
      'bigint',
      [
        0,
        -1,
        1795361420115,
        -1795361420115,
        2 ** 53 - 1,
        -(2 ** 53 - 1),
        4_294_967_296,
        -4_294_967_297,
        '9223372036854775807',
        '-9223372036854775808',
        '1152921504606846976',
        null,
      ],
    ],
    ['boolean', [true, false, null]],
    ['date', ['2026-11-22', '1999-12-31', '2000-01-01', null]],
    ['text', []],
  ])('arrives as it was: %s', async (type, values) => {
    const expected = values.map((value) => (value === null ? null : type === 'uuid' ? String(value).toLowerCase() : String(value)));
    expect(await read(type, values)).toEqual(expected);
  });

  it.each<[ElementType, unknown, string]>([
    ['uuid', 'nobody', '22P02'],
    ['uuid', 'g1a203e1-3004-76bb-ab25-bebe66a7da85', '22P02'],
    ['integer', 2 ** 31, '22003'],
    ['integer', 1.5, '22P02'],
    ['bigint', 1.5, '22P02'],
    ['bigint', 'many', '22P02'],
    ['bigint', 2 ** 64, '22003'],
    ['date', 'some day', '22P02'],
  ])('is refused with the code of PostgreSQL: %s %s', (type, value, code) => {
    expect(() => binaryArray(type, [value])).toThrow(expect.objectContaining({ code }));
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Json } from '../definition.js';
import { checkSchema } from './check-schema.js';
import { validateJson } from './validate-json.js';

describe('validateJson', () => {
  it('says where a value is wrong and what was expected there', () => {
    const schema: Json = {
      type: 'object',
      required: ['order_id'],
      properties: { order_id: { type: 'string' }, size: { enum: ['small', 'large'] }, count: { type: 'integer', minimum: 1 }, mail: { type: 'string', format: 'email' } },
      additionalProperties: false,
    };
    expect(validateJson(schema, { order_id: 'a', size: 'small', count: 3, mail: 'a@b.co' })).toEqual([]);
    expect(validateJson(schema, { size: 'lage', count: 0, mail: 'x', 'a/b': 1 })).toEqual([
      { pointer: '/order_id', detail: "Expected a member 'order_id', but it is missing" },
      { pointer: '/a~1b', detail: "Expected only 'order_id', 'size', 'count', 'mail', but got 'a/b'" },
      { pointer: '/size', detail: "Expected one of 'small', 'large', but got 'lage'", suggestion: 'large' },
      { pointer: '/count', detail: 'Expected a number >= 1, but got 0' },
      { pointer: '/mail', detail: "Expected text in the format 'email', but got 'x'" },
    ]);
    expect(validateJson(schema, 5)).toEqual([{ pointer: '', detail: 'Expected an object, but got a number' }]);
  });

  it('takes schemas that are booleans', () => {
    expect(validateJson(true, 1)).toEqual([]);
    expect(validateJson(false, 1)).toHaveLength(1);
  });

  it('follows references within the schema', () => {
    const tree: Json = { type: 'object', properties: { next: { $ref: '#' }, name: { $ref: '#/$defs/name' } }, $defs: { name: { type: 'string' } } };
    expect(validateJson(tree, { next: { next: { name: 1 } } })).toMatchObject([{ pointer: '/next/next/name' }]);
  });

  it('keeps patterns and schemas with the same name apart', () => {
    const schema: Json = { properties: { a: { type: 'string', pattern: '^a$' }, b: { type: 'string', pattern: '^b$' } } };
    expect(validateJson(schema, { a: 'a', b: 'a' }).map(({ pointer }) => pointer)).toEqual(['/b']);
    expect(validateJson({ $id: 'https://x.test/a', type: 'string' }, 1)).toHaveLength(1);
    expect(validateJson({ $id: 'https://x.test/a', type: 'number' }, 1)).toEqual([]);
    expect(validateJson({ $ref: 'https://x.test/a' }, 1)).toHaveLength(1);
  });

  it.each<[string, Json, Json]>([
    ['a pattern that backtracks', { type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}!`],
    ['uniqueItems of a long array', { uniqueItems: true }, [...Array.from({ length: 100_000 }, (_, index) => index), 1]],
    ['references that double at each level', { $ref: '#/$defs/a0', $defs: doubling(40) }, 1],
    ['a schema that is itself', { $ref: '#' }, 1],
    ['a schema that is itself in turn', { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } }, 1],
  ])('ends in time: %s', (_, schema, value) => {
    const started = performance.now();
    expect(validateJson(schema, value).length).toBeGreaterThan(0);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('compares the members of unique items in any order', () => {
    expect(
      validateJson({ uniqueItems: true }, [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ]),
    ).toHaveLength(1);
    expect(validateJson({ uniqueItems: true }, [1, '1', [1], { 1: 1 }, null, 'null'])).toEqual([]);
  });
});

describe('checkSchema', () => {
  it.each<[string, Json, string]>([
    ['an unknown type', { properties: { a: { type: 'strin' } } }, '/s/properties/a/type'],
    ['an unknown keyword', { typ: 'string' }, '/s'],
    ['a remote reference', { properties: { a: { $ref: 'https://x.test/a' } } }, '/s/properties/a/$ref'],
    ['a reference to nothing', { $ref: '#/$defs/none' }, '/s'],
    ['a pattern that RE2 does not take', { type: 'string', pattern: '(?=a)' }, '/s'],
    ['an unknown format', { type: 'string', format: 'colour' }, '/s'],
    ['text', 'x', '/s'],
    ['another draft', { $schema: 'http://json-schema.org/draft-04/schema#' }, '/s/$schema'],
    ['too many levels', deep(50), '/s'],
    ['too much', { description: 'x'.repeat(100_000) }, '/s'],
  ])('refuses %s', (_, schema, pointer) => expect(checkSchema(schema, '/s').map((problem) => problem.pointer)).toEqual([pointer]));

  it('takes what is sound', () => {
    for (const schema of [true, {}, { type: ['string', 'null'] }, { $schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{ const: 1 }] }] as Json[])
      expect(checkSchema(schema, '')).toEqual([]);
  });
});

function doubling(levels: number): { [name: string]: Json } {
  const parts = Array.from({ length: levels }, (_, level): [string, Json] => [`a${level}`, { anyOf: [{ $ref: `#/$defs/a${level + 1}` }, { $ref: `#/$defs/a${level + 1}` }] }]);
  return { ...Object.fromEntries(parts), [`a${levels}`]: { type: 'string' } };
}

function deep(levels: number): Json {
  return levels === 0 ? {} : { not: deep(levels - 1) };
}

import { describe, expect, it } from '@jest/globals';
import type { Json } from '@runlog/execution';
import { isTooDeep, MAX_DEPTH, parseBounded, storable } from './plain-json.js';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('JSON from outside', () => {
  it('may nest to a bound', () => {
    expect(isTooDeep(nested(MAX_DEPTH))).toBe(false);
    expect(isTooDeep(nested(MAX_DEPTH + 1))).toBe(true);
    expect(isTooDeep(`{"a":${nested(100_000)}}`)).toBe(true);
    expect(() => parseBounded(nested(10_000))).toThrow('deeper');
  });

  it('does not count brackets inside strings, whatever is escaped in them', () => {
    expect(isTooDeep(JSON.stringify(['\\"[', '['.repeat(5_000), '\\\\']))).toBe(false);
    expect(isTooDeep(JSON.stringify(`"${'['.repeat(5_000)}`))).toBe(false);
  });

  it('is kept without what a database or a copier trips over', () => {
    const keep = (value: Json): Json => storable(value, JSON.stringify(value));
    expect(keep(JSON.parse('{"__proto__":{"x":1},"a":{"__proto__":1}}') as Json)).toEqual({ a: {} });
    expect(keep(['\0a', '\ud800', 'ok 😀'])).toEqual(['\ufffda', '\ufffd', 'ok 😀']);
    const plain = { a: [1, '\n'] };
    expect(keep(plain)).toBe(plain);
  });
});

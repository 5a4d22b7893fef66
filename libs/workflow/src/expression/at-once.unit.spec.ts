import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import jsonata from 'jsonata';
import type { Json } from '../definition.js';
import { evaluateAtOnce } from './evaluate.js';
import { parse } from './parsed.js';

const leaf = fc.oneof(
  fc.integer({ min: -3, max: 300 }).map(String),
  fc.double({ min: 0, max: 1e6, noNaN: true }).map((number) => number.toFixed(3)),
  fc.constantFrom(
    '"a"',
    '"b"',
    'input.x',
    'input.text',
    'input.truth',
    'input.none',
    'input.list',
    'input.list.y',
    'input.large',
    'nodes.s1',
    'nodes.s1.deep',
    'nodes.missing',
    'nodes.`s1`',
  ),
);
const operator = fc.constantFrom('+', '-', '*', '/', '%', '<', '<=', '>', '>=', '=', '!=', 'and', 'or', '&');
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.tuple(tie('expression'), operator, tie('expression')).map(([left, by, right]) => `(${left}) ${by} ${right}`),
  ),
}));
const scopes = fc.record({
  input: fc.record({ x: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })), text: fc.constantFrom('a', 'ab'), truth: fc.boolean() }).map((members) => ({
    ...members,
    none: null,
    list: [{ y: 1 }],
    large: 1.7e308,
  })),
  nodes: fc.oneof(fc.constant({ s1: 4 }), fc.constant({ s1: { deep: 5 } }), fc.constant({})) as fc.Arbitrary<{ [node: string]: Json }>,
  execution: fc.constant({ id: 'e1' }),
});

describe('what is told without JSONata', () => {
  it('is what JSONata tells', async () => {
    let told = 0;
    await fc.assert(
      fc.asyncProperty(expression, scopes, async (text, scope) => {
        const found = parse(text).atOnce?.(scope);
        if (!found) return;
        told++;
        expect(found.value).toEqual(await jsonata(text).evaluate(scope));
      }),
      { numRuns: 2_000 },
    );
    expect(told).toBeGreaterThan(200);
  });

  it.each(['input.list + 1', 'input.none + 1', '1 / 0', 'input.missing + 1', 'input.list[0].y + 1', '(1; 2) + 1', '$sum(input.list.y)', 'input.('])('is nothing of %s', (text) => {
    expect(evaluateAtOnce(text, { input: { list: [{ y: 1 }], none: null }, nodes: {}, execution: null })).toBeUndefined();
  });

  it.each<[string, Json]>([
    ['nodes.s1 + 1', 5],
    ['(nodes.s1 + 1) * 2 - 10', 0],
    ['nodes.s1 >= 4 and input.text = "ab"', true],
    ['"x" & input.text', 'xab'],
    ['input.missing', null],
  ])('is something of %s', (text, value) => {
    expect(evaluateAtOnce(text, { input: { text: 'ab' }, nodes: { s1: 4 }, execution: null })).toEqual(value);
  });
});

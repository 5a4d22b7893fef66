import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Json } from '../definition.js';
import type { Scope, Seed } from '../scope.js';
import { evaluate } from './evaluate.js';
import type { ExpressionFailureCode } from './expression-failed.js';

const seed: Seed = { at: Date.UTC(2026, 0, 2, 3, 4, 5), commandId: 'command-1' };
const scope: Scope = {
  input: { order_id: 'a', items: [1, 2, 3], one: [7], empty: [], none: null, nested: [{ x: 1 }, { x: 2 }] },
  nodes: { fetch: { status: 200, body: { total: 5000 } } },
  execution: { id: 'e1' },
};
const over = (text: string, values: Scope = scope) => evaluate(text, values, seed);
const fails = (text: string, code: ExpressionFailureCode) => expect(over(text)).rejects.toMatchObject({ name: 'ExpressionFailed', code });

describe('evaluate', () => {
  it.each<[string, Json]>([
    ['nodes.fetch.body.total > 1000', true],
    ['nodes.fetch.body.total', 5000],
    ['input.items', [1, 2, 3]],
    ['input.one', [7]],
    ['input.empty', []],
    ['input.none', null],
    ['input.nested.x', [1, 2]],
    ['input.missing.deeper', null],
    ['input.order_id.deeper', null],
    ['input.items[$ > 1]', [2, 3]],
    ['input.items[$ > 2]', 3],
    ["{ 'paid': true, 'total': nodes.fetch.body.total, 'gone': input.missing }", { paid: true, total: 5000 }],
    ['[input.missing, 1]', [1]],
    ['-0', 0],
    ['$sum(input.items)', 6],
    ['$map(input.items, function($v) { $v * 2 })', [2, 4, 6]],
    ['$distinct([1, "1", 1, {"a": 1, "b": 2}, {"b": 2, "a": 1}])', [1, '1', { a: 1, b: 2 }]],
    ['$pad("x", -5, "#")', '####x'],
    ['$pad("foo", 8, "-+")', 'foo-+-+-'],
    ['$join(["a", "b"], "-")', 'a-b'],
    ['$replace("abcabc", /b(c)/, "<$1$0>")', 'a<cbc>a<cbc>'],
    ['$replace("aaa", "a", "b", 2)', 'bba'],
    ['$replace("abc", /[a-b]/, function($m) { $uppercase($m.match) })', 'ABc'],
    ['$match("aXb", /[a-z]/i).match', ['a', 'X', 'b']],
    ['$split("a1b22c", /[0-9]+/)', ['a', 'b', 'c']],
    ['$contains("héllo", /É/i)', true],
    ['$sort(input.items, function($a, $b) { $a < $b })', [3, 2, 1]],
    ['$formatNumber(1234.5, "#,##0.00")', '1,234.50'],
    ['$toMillis("2020-01-02", "[Y0001]-[M01]-[D01]")', Date.UTC(2020, 0, 2)],
    ['input.items ~> $map(function($v) { $v + 1 }) ~> $sum', 9],
    ['input ~> |nested|{"y": x * 10}, ["x"]| ~> $lookup("nested")', [{ y: 10 }, { y: 20 }]],
    ['$now()', '2026-01-02T03:04:05.000Z'],
    ['$now("[Y]")', '2026'],
    ['$millis()', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ])('%s', async (text, value) => {
    expect(await over(text)).toEqual(value);
  });

  it('gives a plain copy: no trace of sequences', async () => {
    const value = (await over('input.nested.x')) as Json[];
    expect(Object.keys(value)).toEqual(['0', '1']);
    expect(Object.getPrototypeOf(value)).toBe(Array.prototype);
  });

  it('draws the same random numbers for the same command and others for another', async () => {
    const text = '{"n": $random(), "m": $random(), "list": $shuffle([1..20])}';
    const first = await over(text);
    expect(await over(text)).toEqual(first);
    expect(await evaluate(text, scope, { ...seed, commandId: 'command-2' })).not.toEqual(first);
    const { n, m } = first as { n: number; m: number };
    expect(n).not.toBe(m);
    expect(n >= 0 && n < 1).toBe(true);
  });

  it('keeps evaluations that run at the same time apart', async () => {
    const results = await Promise.all(Array.from({ length: 50 }, (_, at) => evaluate('$map([1, 2], function($x) { $millis() + $x })', scope, { ...seed, at })));
    expect(results).toEqual(Array.from({ length: 50 }, (_, at) => [at + 1, at + 2]));
  });

  it('says what is wrong and where', async () => {
    await expect(over('nodes.fetch. > 1')).rejects.toThrow(/^Expected to evaluate 'nodes\.fetch\. > 1', but .*\(at character \d+\)$/);
    await expect(over('"a" + 1')).rejects.toMatchObject({ code: 'expression_failed', position: 5 });
  });

  it('reads a plain path as JSONata does', async () => {
    const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value).replaceAll('"__proto__"', '"a"')) as Json);
    const names = fc.array(fc.constantFrom('a', 'b', 'c', 'x'), { minLength: 1, maxLength: 4 });
    const tree = fc.letrec<{ value: Json }>((tie) => ({
      value: fc.oneof({ maxDepth: 4 }, json, fc.dictionary(fc.constantFrom('a', 'b', 'c', 'x'), tie('value')), fc.array(tie('value'), { maxLength: 3 })),
    }));
    await fc.assert(
      fc.asyncProperty(tree.value, names, async (input, path) => {
        const text = `input.${path.join('.')}`;
        expect(await over(text, { ...scope, input })).toEqual(await over(`(${text})`, { ...scope, input }));
      }),
      { numRuns: 300 },
    );
  });
});

describe('evaluate refuses', () => {
  it.each(
    (
      [
        ['($f := function() { $f() }; $f())', 'expression_timeout'],
        ['($f := function($n) { 1 + $f($n) }; $f(1))', 'expression_timeout'],
        ['($f := function($n) { [$f($n), $f($n)] }; $f(1))', 'expression_timeout'],
        ['($f := function($n) { $n = 0 ? 1 : $f($n - 1) + $f($n - 1) }; $f(40))', 'expression_timeout'],
        ['[1..100000].[1..1000]', 'expression_timeout'],
        ['[1..10000000]', 'expression_too_large'],
        ['[1..1e15]', 'expression_too_large'],
        ['$pad("x", 1e9)', 'expression_too_large'],
        ['$pad("", -536870000)', 'expression_too_large'],
        ['$join([1..1000].$string(), $pad("", 100000, "-"))', 'expression_too_large'],
        ['$reduce([1..100000], $append)', 'expression_timeout'],
        ['$map([1..100000], $append([1..100000], ?))', 'expression_timeout'],
        ['$map($split($pad("", 50000, "a"), ""), $pad(?, 1000000))', 'expression_timeout'],
        ['$map([1..1000], $replace($pad("", 1000000, "a"), "a", ?))', 'expression_timeout'],
        ['$map($split($pad("", 50000, "a"), ""), $split($pad("", 1000000, "a"), ?))', 'expression_timeout'],
        ['$reduce([1..40], function($a, $i) { $a & $a }, "x")', 'expression_too_large'],
        ['$reduce([1..40], function($a, $i) { {"a": $a, "b": $a} }, 1)', 'expression_too_large'],
        ['$string($reduce([1..40], function($a, $i) { {"a": $a, "b": $a} }, 1))', 'expression_too_large'],
        ['$reduce([1..40], function($a, $i) { [[$a], [$a]] }, 1) ? 1 : 2', 'expression_too_large'],
        ['$reduce([1..40], function($a, $i) { $append($a, $a) }, [1])', 'expression_too_large'],
        ['$replace($pad("", 100000, "a"), "a", $pad("", 100000, "b"))', 'expression_too_large'],
        ['$replace($pad("", 2000, "a"), /a/, $pad("", 100000, "b"))', 'expression_too_large'],
        ['$replace($pad("", 20000, "a"), /a/, function($m) { $pad("", 1000, "b") })', 'expression_too_large'],
        ['$reduce([1..300], function($a, $i) { {"a": $a} }, 1)', 'expression_too_large'],
        ['$formatNumber(1, $pad("", 100000, "#,"))', 'expression_too_large'],
        ['$toMillis($pad("", 60, "1"), "[Y][M][D][H][m][s][f]")', 'expression_failed'],
        ['$contains("aaa", /a(?=b)/)', 'expression_failed'],
        ['$contains("aaa", /(a)\\1/)', 'expression_failed'],
        ['$eval("1")', 'expression_failed'],
        ['function() { 1 }', 'expression_failed'],
        ['{"f": $sum}', 'expression_failed'],
        ['{"__proto__": {"polluted": true}}', 'expression_failed'],
        ['"\\u0000"', 'expression_failed'],
        ['1 / 0', 'expression_failed'],
        ['$error("mine")', 'expression_failed'],
        ['('.repeat(10_000), 'expression_failed'],
        [Array.from({ length: 3000 }, () => '1').join('+'), 'expression_failed'],
        ['x'.repeat(40_000), 'expression_failed'],
      ] as [string, ExpressionFailureCode][]
    ).map(([text, code]) => [text.slice(0, 70), code, text] as const),
  )('%s', async (_, code, text) => {
    const started = performance.now();
    await fails(text, code);
    expect(performance.now() - started).toBeLessThan(3000);
  });

  it('regular expressions that take for ever elsewhere take no time', async () => {
    const input = 'a'.repeat(5000);
    expect(await over('$contains(input, /^(a+)+$/) and $not($contains(input & "!", /^(a|aa)+$/))', { ...scope, input })).toBe(true);
  });

  it('no prototype member of a value', async () => {
    for (const text of [
      'input.__proto__',
      'input.constructor',
      'input.items.constructor',
      'input.toString',
      'input.items.length',
      '$lookup(input, "__proto__")',
      'input.constructor.constructor("return 1")()',
      '$sum.implementation.constructor("return 1")()',
    ])
      expect(await over(text)).toBeNull();
    expect(await over('{} ~> |$|{"__proto__": {"polluted": true}}|')).toEqual({});
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('values that pose as functions', async () => {
    const input = { f: { _jsonata_lambda: true, body: { type: 'variable', value: '' }, arguments: [] }, g: { _jsonata_function: true, implementation: 'x' } };
    for (const text of ['input.f()', 'input.g()', '$map([1], input.f)', 'input.f', 'input'])
      await expect(over(text, { ...scope, input })).rejects.toMatchObject({ code: 'expression_failed' });
  });

  it('nothing of its siblings runs on once one part has failed', async () => {
    const started = performance.now();
    await fails('[$error("x"), ($f := function() { $f() }; $f())]', 'expression_failed');
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

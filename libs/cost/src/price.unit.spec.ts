import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nanoUsdOf } from './decimal.js';
import { costOf, mostItCanCost, type Price } from './price.js';
import { priceList } from './price-list.js';
import { spendingOf } from './spending.js';
import { tokensOf } from './usage.js';

const prices = priceList();
const now = new Date('2026-01-15T12:00:00Z');

const priceOf = (model: string, at = now): Price => {
  const price = prices.priceOf(undefined, model, at);
  if (!price) throw new Error(`Expected a price of '${model}' in the list`);
  return price;
};

const cost = (provider: string, model: string, usage: unknown, at = now) => spendingOf(prices, { provider, model, at, usage }).cost_nano_usd;

describe('cost', () => {
  it.each([
    // 86 x 2.50 + 1,920 x 1.25 + 300 x 10.00 USD per million.
    ['gpt-4o with cached tokens', 'openai', 'gpt-4o', { prompt_tokens: 2006, completion_tokens: 300, prompt_tokens_details: { cached_tokens: 1920 } }, '5615000'],
    // 75 x 1.25 + (162 + 1,024) x 10.00.
    ['gpt-5 with reasoning', 'openai', 'gpt-5', { input_tokens: 75, output_tokens: 1186, output_tokens_details: { reasoning_tokens: 1024 } }, '11953750'],
    // 21 x 3.00 + 188,086 x 3.75 + 393 x 15.00.
    ['Claude Sonnet 4, cache written', 'anthropic', 'claude-sonnet-4-20250514', { input_tokens: 21, cache_creation_input_tokens: 188_086, output_tokens: 393 }, '711280500'],
    // 21 x 3.00 + 188,086 x 0.30 + 393 x 15.00.
    ['Claude Sonnet 4, cache read', 'anthropic', 'claude-sonnet-4-20250514', { input_tokens: 21, cache_read_input_tokens: 188_086, output_tokens: 393 }, '62383800'],
    // 2,048 x 15.00 + 1,800 x 1.50 + 148 x 18.75 + 100 x 30.00 + 503 x 75.00.
    [
      'Claude Opus 4.1, part of the cache kept for an hour',
      'anthropic',
      'claude-opus-4-1',
      {
        input_tokens: 2048,
        cache_read_input_tokens: 1800,
        cache_creation_input_tokens: 248,
        output_tokens: 503,
        cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
      },
      '76920000',
    ],
  ])('of %s', (_, provider, model, usage, expected) => expect(cost(provider, model, usage)).toBe(expected));

  it('goes by the price in force at the call', () => {
    const usage = { prompt_tokens: 1_000_000, completion_tokens: 0 };
    expect(cost('openai', 'o3', usage, new Date('2025-06-01T00:00:00Z'))).toBe('10000000000');
    expect(cost('openai', 'o3', usage, new Date('2025-07-01T00:00:00Z'))).toBe('2000000000');
  });

  it('takes the step of a tiered price for all tokens of the call', () => {
    const usage = (prompt: number) => ({ input_tokens: prompt - 1000, cache_read_input_tokens: 1000, output_tokens: 10 });
    expect(cost('anthropic', 'claude-sonnet-4-5', usage(200_000))).toBe(String(199_000n * 3000n + 1000n * 300n + 10n * 15_000n));
    expect(cost('anthropic', 'claude-sonnet-4-5', usage(200_001))).toBe(String(199_001n * 6000n + 1000n * 600n + 10n * 22_500n));
  });

  it('is rounded once per call, to the nearest nano-USD', () => {
    const own = priceList([{ model: 'm', input: 0.0004, output: 0.0003 }]);
    const of = (prompt: number, completion: number) =>
      spendingOf(own, { provider: 'openai', model: 'm', at: now, usage: { prompt_tokens: prompt, completion_tokens: completion } }).cost_nano_usd;
    expect([of(1, 0), of(1, 1), of(1, 2), of(5, 0), of(0, 1)]).toEqual(['0', '1', '1', '2', '0']);
  });

  it('is exact where floats are not', () => {
    const own = priceList([{ model: 'm', input: 0.1, output: 0.2 }]);
    const usage = { prompt_tokens: 3, completion_tokens: 9_007_199_254_740_991 };
    expect(spendingOf(own, { provider: 'openai', model: 'm', at: now, usage }).cost_nano_usd).toBe(String(3n * 100n + 9_007_199_254_740_991n * 200n));
  });

  it('is what the provider says, if it does', () => {
    const usage = { prompt_tokens: 2006, completion_tokens: 300, cost: 0.00123 };
    expect(spendingOf(prices, { provider: 'openai_compatible', model: 'gpt-4o', at: now, usage })).toMatchObject({ cost_nano_usd: '1230000', price: 'reported' });
  });

  it('of an unknown model, or of unknown usage, is null', () => {
    const unknown = { cost_nano_usd: null, price: null };
    expect(spendingOf(prices, { provider: 'openai_compatible', model: 'house-model-1', at: now, usage: { prompt_tokens: 5, completion_tokens: 1 } })).toMatchObject({
      ...unknown,
      tokens: { input: 5, cache_read: 0, cache_write: 0, output: 1, reasoning: 0 },
    });
    expect(spendingOf(prices, { provider: 'openai', model: 'gpt-4o', at: now, usage: undefined })).toMatchObject({ ...unknown, tokens: null });
  });
});

describe('price', () => {
  it('is known by the name of the model, whoever serves it', () => {
    expect(prices.priceOf('openai_compatible', 'claude-opus-4-1', now)).toEqual(prices.priceOf('anthropic', 'claude-opus-4-1', now));
    expect(prices.priceOf('openai', 'gpt-4o-mini-2024-07-18', now)).toEqual(prices.priceOf('openai_compatible', 'gpt-4o-mini', now));
  });

  it('of one own wins, and costs as input or output what it leaves out', () => {
    const own = priceList([
      { model: 'gpt-4o', input: 1, cache_read: 0.1, cache_write: 1.25, output: 2, reasoning: 3 },
      { model: 'house', input: 1, output: 2 },
    ]);
    const tokens = { input: 1, cache_read: 10, cache_write: 100, output: 1000, reasoning: 10_000 };
    const of = (model: string) => costOf(own.priceOf('openai', model, now) as Price, { tokens, cache_write_hour: 50 });
    expect(of('gpt-4o')).toBe(1000n + 1000n + 125_000n + 2_000_000n + 30_000_000n);
    expect(of('house')).toBe(111_000n + 22_000_000n);
    expect(own.priceOf('openai', 'gpt-4o', now)?.source).toBe('override');
  });

  it('is unknown where the list says nothing of an answer', () => expect(prices.priceOf('openai', 'text-embedding-3-small', now)).toBeUndefined());
});

describe('the most that a call can cost', () => {
  const models = ['gpt-4o', 'gpt-5', 'gpt-5.4', 'o3', 'claude-sonnet-4-5', 'claude-opus-4-1', 'gemini-2.5-pro', 'deepseek-chat'];

  it('is not below what any call of that size costs', () => {
    const call = fc.record({
      input: fc.nat(400_000),
      cacheRead: fc.nat(400_000),
      cacheWrite: fc.nat(400_000),
      hour: fc.nat(400_000),
      output: fc.nat(100_000),
      reasoning: fc.nat(100_000),
    });
    fc.assert(
      fc.property(fc.constantFrom(...models), call, (model, { input, cacheRead, cacheWrite, hour, output, reasoning }) => {
        const price = priceOf(model);
        const tokens = { input, cache_read: cacheRead, cache_write: cacheWrite, output, reasoning };
        expect(mostItCanCost(price, input + cacheRead + cacheWrite, 0, output + reasoning)).toBeGreaterThanOrEqual(
          costOf(price, { tokens, cache_write_hour: Math.min(hour, cacheWrite) }),
        );
      }),
    );
  });

  it('counts what a provider puts around a request, and images', () => {
    const price = priceOf('gpt-4o');
    const counted = tokensOf('openai', { prompt_tokens: 40 + 1000 + 48_169, completion_tokens: 5 });
    expect(counted && mostItCanCost(price, 40, 1, 5) >= costOf(price, counted)).toBe(true);
    expect(mostItCanCost(price, 40, 0, 5)).toBe((40n + 1024n) * 2500n + 5n * 10_000n);
  });

  it('counts writing to the cache for an hour, and the dearer step', () => {
    expect(mostItCanCost(priceOf('claude-opus-4-1'), 0, 0, 0)).toBe(1024n * 30_000n);
    expect(mostItCanCost(priceOf('claude-sonnet-4-5'), 300_000, 0, 10)).toBe((300_000n + 1024n) * 12_000n + 10n * 22_500n);
  });
});

describe('an amount in nano-USD', () => {
  it.each([
    [0.1, 100_000_000n],
    [5, 5_000_000_000n],
    [1e-9, 1n],
    [4e-10, 0n],
    [1.1, 1_100_000_000n],
    [123456789.123456, 123_456_789_123_456_000n],
  ])('%d USD', (usd, nano) => expect(nanoUsdOf(usd)).toBe(nano));

  it('is neither negative nor infinite', () => {
    expect(() => nanoUsdOf(-1)).toThrow('Expected an amount of USD, but got -1');
    expect(() => nanoUsdOf(Number.NaN)).toThrow(RangeError);
  });
});

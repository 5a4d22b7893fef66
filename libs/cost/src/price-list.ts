import { createRequire } from 'node:module';
import type { ModelPrice } from '@pydantic/genai-prices';
import { femtoUsdPerToken } from './decimal.js';
import type { Price, Rate } from './price.js';

/** A price of one's own, in USD per million tokens. What is left out costs as `input` or `output`. */
export interface PriceOverride {
  readonly model: string;
  readonly input: number;
  readonly cache_read?: number | undefined;
  readonly cache_write?: number | undefined;
  readonly output: number;
  readonly reasoning?: number | undefined;
}

/** Prices of models by name and time. */
export interface PriceList {
  /** The price of a model in force at that time, or undefined when none is known. An override wins. Names count whatever the provider; `provider` helps with names that do not say whose they are. */
  priceOf(provider: string | undefined, model: string, at: Date): Price | undefined;
}

const flat = (usdPerMillion: number): Rate => ({ femtoUsd: femtoUsdPerToken(usdPerMillion), steps: [] });

const ofOverride = ({ input, output, cache_read = input, cache_write = input, reasoning = output }: PriceOverride): Price => ({
  source: 'override',
  rates: { input: flat(input), cache_read: flat(cache_read), cache_write: flat(cache_write), output: flat(output), reasoning: flat(reasoning) },
  cacheWriteHour: flat(cache_write),
  others: { input: [], output: [] },
  requestFemtoUsd: 0n,
});

const rateOf = (listed: ModelPrice[string]): Rate | undefined => {
  if (listed === undefined || typeof listed === 'number') return listed === undefined ? undefined : flat(listed);
  const steps = listed.tiers.map(({ start, price }) => ({ above: start, femtoUsd: femtoUsdPerToken(price) }));
  return { femtoUsd: femtoUsdPerToken(listed.base), steps: steps.sort((a, b) => a.above - b.above) };
};

/** Undefined for a price list's entry that says nothing of prompts or of answers: what a call costs cannot be told from it. */
const ofListed = (listed: ModelPrice): Price | undefined => {
  const input = rateOf(listed.input_mtok);
  const output = rateOf(listed.output_mtok);
  if (!input || !output) return undefined;
  const cacheWrite = rateOf(listed.cache_write_mtok) ?? input;
  const othersOf = (pattern: RegExp) => Object.keys(listed).flatMap((key) => (pattern.test(key) ? (rateOf(listed[key]) ?? []) : []));
  return {
    source: 'list',
    rates: {
      input,
      cache_read: rateOf(listed.cache_read_mtok) ?? input,
      cache_write: cacheWrite,
      output,
      reasoning: rateOf(listed.output_reasoning_mtok) ?? output,
    },
    cacheWriteHour: rateOf(listed.cache_write_1h_mtok) ?? cacheWrite,
    others: { input: othersOf(/^(input|cache)_.*_mtok$/), output: othersOf(/^output_.*_mtok$/) },
    // Per 1,000 requests, where the others are per million.
    requestFemtoUsd: typeof listed.requests_kcount === 'number' ? femtoUsdPerToken(listed.requests_kcount) * 1000n : 0n,
  };
};

const require = createRequire(import.meta.url);
let loaded: typeof import('@pydantic/genai-prices') | undefined;

/** The list takes 8 MB of memory: it is read when the first call of a model is to be priced. */
const listed = (): typeof import('@pydantic/genai-prices') => {
  loaded ??= require('@pydantic/genai-prices') as typeof import('@pydantic/genai-prices');
  return loaded;
};

/** Providers whose models the price list knows by the same name; an OpenAI-compatible server may be anybody's. */
const listedProviders = new Set(['openai', 'anthropic']);

/** The price list that comes with the product, below the operator's own prices. Prices are never downloaded. */
export const priceList = (overrides: readonly PriceOverride[] = []): PriceList => {
  const own = new Map(overrides.map((override) => [override.model, ofOverride(override)]));
  return {
    priceOf: (provider, model, at) => {
      const override = own.get(model);
      if (override) return override;
      const { calcPrice } = listed();
      const found = calcPrice({}, model, { timestamp: at }) ?? (provider && listedProviders.has(provider) ? calcPrice({}, model, { timestamp: at, providerId: provider }) : null);
      return found ? ofListed(found.model_price) : undefined;
    },
  };
};

import { nanoUsdAbove, nearestNanoUsd } from './decimal.js';
import type { CountedTokens, Tokens } from './tokens.js';

/** What a token costs, in femto-USD; above `above` tokens of prompt in one call, all of the call's tokens cost the step's instead. */
export interface Rate {
  readonly femtoUsd: bigint;
  readonly steps: readonly { readonly above: number; readonly femtoUsd: bigint }[];
}

/** The price of a model at one time: every bucket has its rate; buckets that a price list leaves out have their parent's. */
export interface Price {
  readonly source: 'list' | 'override';
  readonly rates: Readonly<Record<keyof Tokens, Rate>>;
  /** Of cache writes that are kept for an hour. */
  readonly cacheWriteHour: Rate;
  /** Other rates of a prompt's or an answer's tokens (images, sound) that a call may meet; only `mostItCanCost` counts them. */
  readonly others: { readonly input: readonly Rate[]; readonly output: readonly Rate[] };
  /** Of a request as such, in femto-USD. */
  readonly requestFemtoUsd: bigint;
}

const at = (rate: Rate, promptTokens: number): bigint => rate.steps.reduce((price, step) => (promptTokens > step.above ? step.femtoUsd : price), rate.femtoUsd);

/**
 * What one model call cost, in nano-USD: tokens times rates, summed exactly and rounded once, to the nearest nano-USD with a half going
 * up. Steps of a tiered price go by all tokens of the prompt.
 */
export const costOf = (price: Price, { tokens, cache_write_hour }: CountedTokens): bigint => {
  const prompt = tokens.input + tokens.cache_read + tokens.cache_write;
  const of = (rate: Rate, count: number) => at(rate, prompt) * BigInt(count);
  const { input, cache_read, cache_write, output, reasoning } = price.rates;
  return nearestNanoUsd(
    price.requestFemtoUsd +
      of(input, tokens.input) +
      of(cache_read, tokens.cache_read) +
      of(cache_write, tokens.cache_write - cache_write_hour) +
      of(price.cacheWriteHour, cache_write_hour) +
      of(output, tokens.output) +
      of(reasoning, tokens.reasoning),
  );
};

/** Tokens that a provider may put around a request by itself: its chat template, its prompt for the use of tools. */
const templateTokens = 1024;

/** Tokens that one image comes to at most, as providers publish it. */
const imageTokens = 65_536;

const worst = (rates: readonly Rate[], promptTokens: number): bigint => {
  let most = 0n;
  for (const { femtoUsd, steps } of rates) {
    for (const one of [femtoUsd, ...steps.flatMap((step) => (promptTokens > step.above ? step.femtoUsd : []))]) if (one > most) most = one;
  }
  return most;
};

/**
 * The most that one model call can cost, in nano-USD: a token is at least one byte of the request's body, each of them may be written to
 * a cache at the dearest rate, an answer is `maxOutputTokens` long and thought out, tiered prices stand at their worst that a prompt of
 * that length can reach. `images` are those that the request refers to or holds.
 */
export const mostItCanCost = (price: Price, requestBytes: number, images: number, maxOutputTokens: number): bigint => {
  const prompt = requestBytes + images * imageTokens + templateTokens;
  const { input, cache_read, cache_write, output, reasoning } = price.rates;
  const inputRate = worst([input, cache_read, cache_write, price.cacheWriteHour, ...price.others.input], prompt);
  const outputRate = worst([output, reasoning, ...price.others.output], prompt);
  return nanoUsdAbove(price.requestFemtoUsd + inputRate * BigInt(prompt) + outputRate * BigInt(maxOutputTokens));
};

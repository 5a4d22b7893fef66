import { nanoUsdOf } from './decimal.js';
import { costOf } from './price.js';
import type { PriceList } from './price-list.js';
import type { Tokens } from './tokens.js';
import { reportedUsdOf, tokensOf } from './usage.js';

/** One model call that a provider answered, in part or in whole. */
export interface ModelCall {
  readonly provider: string;
  readonly model: string;
  /** When the call was made: the price is the one in force then. */
  readonly at: Date;
  /** As the provider reported it, unchanged; undefined when it did not. */
  readonly usage: unknown;
}

/** What a model call used and cost, as an event keeps it; null is unknown, never 0. */
export interface Spending {
  readonly provider: string;
  readonly model: string;
  readonly tokens: Tokens | null;
  /** A whole number of nano-USD. */
  readonly cost_nano_usd: string | null;
  readonly price: 'list' | 'override' | 'reported' | null;
}

/** What a call came to: a cost that the provider reports wins over an override, which wins over the price list. */
export const spendingOf = (prices: PriceList, { provider, model, at, usage }: ModelCall): Spending => {
  const counted = tokensOf(provider, usage);
  const tokens = counted?.tokens ?? null;
  const reported = reportedUsdOf(usage);
  if (reported !== undefined) return { provider, model, tokens, cost_nano_usd: String(nanoUsdOf(reported)), price: 'reported' };
  const price = counted ? prices.priceOf(provider, model, at) : undefined;
  if (!counted || !price) return { provider, model, tokens, cost_nano_usd: null, price: null };
  return { provider, model, tokens, cost_nano_usd: String(costOf(price, counted)), price: price.source };
};

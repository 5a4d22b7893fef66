export { nanoUsdOf } from './decimal.js';
export { costOf, mostItCanCost, type Price, type Rate } from './price.js';
export { type PriceList, type PriceOverride, priceList } from './price-list.js';
export { type ModelCall, type Spending, spendingOf } from './spending.js';
export type { CountedTokens, Tokens } from './tokens.js';
export { reportedUsdOf, tokensOf } from './usage.js';

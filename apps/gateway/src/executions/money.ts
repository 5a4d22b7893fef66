import type { TokenUsageResource, TokenUsageView } from '@runlog/contract';

/** Nano-USD, exact, to USD for people. */
export const usd = (nano: string): number => Number(nano) / 1e9;

export const usdOrNull = (nano: string | null): number | null => (nano === null ? null : usd(nano));

export const tokenUsage = ({ input_uncached, cache_read, cache_write, output_text, reasoning }: TokenUsageView): TokenUsageResource => {
  const prompt_tokens = input_uncached + cache_read + cache_write;
  const completion_tokens = output_text + reasoning;
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens, input_uncached, cache_read, cache_write, output_text, reasoning };
};

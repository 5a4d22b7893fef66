/**
 * What one model call used, in buckets that share no token: `input` neither read from nor written to a cache, `output` text without
 * reasoning. `input + cache_read + cache_write` are the prompt's tokens, `output + reasoning` the completion's.
 */
export interface Tokens {
  readonly input: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly output: number;
  readonly reasoning: number;
}

/** `Tokens` with what only the price needs: how many of `cache_write` are kept for an hour, which some providers charge more for. */
export interface CountedTokens {
  readonly tokens: Tokens;
  readonly cache_write_hour: number;
}

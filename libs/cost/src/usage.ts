import type { CountedTokens } from './tokens.js';

type Reported = Readonly<Record<string, unknown>>;

const membersOf = (value: unknown): Reported => (typeof value === 'object' && value !== null ? (value as Reported) : {});

/** A count as a provider reports it; undefined for anything that is none. */
const count = (value: unknown): number | undefined => (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined);

/**
 * `whole` without its `part`. A part that is larger than its whole was evidently not counted in it, so the whole stays as it is: of two
 * readings the one with more tokens, never a negative count.
 */
const without = (whole: number, part: number): number => (part > whole ? whole : whole - part);

/** OpenAI, chat completions and responses alike: prompts include cached tokens, completions include reasoning. */
const ofOpenAi = (usage: Reported): CountedTokens | null => {
  const total = count(usage.total_tokens);
  const rest = (known: number | undefined) => (total === undefined || known === undefined || known > total ? undefined : total - known);
  const givenPrompt = count(usage.prompt_tokens) ?? count(usage.input_tokens);
  const givenCompletion = count(usage.completion_tokens) ?? count(usage.output_tokens);
  const prompt = givenPrompt ?? rest(givenCompletion);
  const completion = givenCompletion ?? rest(givenPrompt);
  if (prompt === undefined || completion === undefined) return null;
  const promptDetails = membersOf(usage.prompt_tokens_details ?? usage.input_tokens_details);
  const completionDetails = membersOf(usage.completion_tokens_details ?? usage.output_tokens_details);
  // Names that compatible servers use instead: DeepSeek's, then Moonshot's.
  const cacheRead = count(promptDetails.cached_tokens) ?? count(usage.prompt_cache_hit_tokens) ?? count(usage.cached_tokens) ?? 0;
  const cacheWrite = count(promptDetails.cache_write_tokens) ?? 0;
  const reasoning = count(completionDetails.reasoning_tokens) ?? 0;
  // Some servers (xAI's) count reasoning beside the completion: their total says so.
  const reasoningIsApart = reasoning > 0 && total === prompt + completion + reasoning;
  return {
    tokens: {
      input: without(prompt, cacheRead + cacheWrite),
      cache_read: cacheRead,
      cache_write: cacheWrite,
      output: reasoningIsApart ? completion : without(completion, reasoning),
      reasoning,
    },
    cache_write_hour: 0,
  };
};

/** Anthropic: `input_tokens` are those beside the cache, `output_tokens` include thinking. */
const ofAnthropic = (usage: Reported): CountedTokens | null => {
  const input = count(usage.input_tokens);
  const output = count(usage.output_tokens);
  if (input === undefined || output === undefined) return null;
  const created = membersOf(usage.cache_creation);
  const hour = count(created.ephemeral_1h_input_tokens) ?? 0;
  const created5m = count(created.ephemeral_5m_input_tokens) ?? 0;
  const cacheWrite = Math.max(count(usage.cache_creation_input_tokens) ?? 0, hour + created5m);
  const thinking = count(membersOf(usage.output_tokens_details).thinking_tokens) ?? 0;
  return {
    tokens: {
      input,
      cache_read: count(usage.cache_read_input_tokens) ?? 0,
      cache_write: cacheWrite,
      output: without(output, thinking),
      reasoning: thinking,
    },
    cache_write_hour: hour,
  };
};

/**
 * The tokens of one call from the `usage` that its provider reported, as it came over the wire; null when prompt or completion is
 * missing, for then what the call cost cannot be told. `provider` is a model's: `anthropic`, or any other for OpenAI's shapes.
 */
export const tokensOf = (provider: string, usage: unknown): CountedTokens | null => (provider === 'anthropic' ? ofAnthropic(membersOf(usage)) : ofOpenAi(membersOf(usage)));

/** What the provider itself says that the call cost, in USD, or undefined: `usage.cost`, a number (OpenRouter) or with a `total_cost` (Perplexity). */
export const reportedUsdOf = (usage: unknown): number | undefined => {
  const { cost } = membersOf(usage);
  const usd = typeof cost === 'number' ? cost : membersOf(cost).total_cost;
  return typeof usd === 'number' && Number.isFinite(usd) && usd >= 0 ? usd : undefined;
};

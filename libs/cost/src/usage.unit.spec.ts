import { describe, expect, it } from '@jest/globals';
import { reportedUsdOf, tokensOf } from './usage.js';

const buckets = (provider: string, usage: unknown) => {
  const counted = tokensOf(provider, usage);
  return counted && [counted.tokens.input, counted.tokens.cache_read, counted.tokens.cache_write, counted.tokens.output, counted.tokens.reasoning];
};

const chat = (prompt: number, completion: number, cached?: number, reasoning?: number, total = prompt + completion) => ({
  prompt_tokens: prompt,
  completion_tokens: completion,
  total_tokens: total,
  ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 } }),
  ...(reasoning === undefined ? {} : { completion_tokens_details: { reasoning_tokens: reasoning, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 } }),
});

describe('tokens of an OpenAI usage', () => {
  it.each([
    // The example of the guide on prompt caching.
    ['cached tokens are part of the prompt', chat(2006, 300, 1920, 0), [86, 1920, 0, 300, 0]],
    // The example of the guide on reasoning models, of the responses API.
    [
      'reasoning is part of the completion',
      { input_tokens: 75, input_tokens_details: { cached_tokens: 0 }, output_tokens: 1186, output_tokens_details: { reasoning_tokens: 1024 }, total_tokens: 1261 },
      [75, 0, 0, 162, 1024],
    ],
    ['no details at all', chat(19, 10), [19, 0, 0, 10, 0]],
    ['everything cached', chat(1024, 1, 1024), [0, 1024, 0, 1, 0]],
    ['nothing but reasoning', chat(10, 512, 0, 512), [10, 0, 0, 0, 512]],
    ['details that are null', { prompt_tokens: 8, completion_tokens: 2, prompt_tokens_details: null, completion_tokens_details: null }, [8, 0, 0, 2, 0]],
    [
      'cache writes in the prompt',
      { prompt_tokens: 10_000, completion_tokens: 60, prompt_tokens_details: { cached_tokens: 2_000, cache_write_tokens: 7_000 } },
      [1_000, 2_000, 7_000, 60, 0],
    ],
    ['cache hits beside the details', { prompt_tokens: 100, completion_tokens: 5, prompt_cache_hit_tokens: 64, prompt_cache_miss_tokens: 36 }, [36, 64, 0, 5, 0]],
    ['reasoning that the completion does not include, as the total says', chat(32, 9, 0, 222, 263), [32, 0, 0, 9, 222]],
    ['a completion that only the total tells', { prompt_tokens: 7, total_tokens: 12 }, [7, 0, 0, 5, 0]],
  ])('%s', (_, usage, expected) => {
    expect(buckets('openai', usage)).toEqual(expected);
    expect(buckets('openai_compatible', usage)).toEqual(expected);
  });

  it.each([
    ['more cached than prompted', chat(100, 10, 150), [100, 150, 0, 10, 0]],
    ['more reasoning than completion', chat(100, 10, 0, 40, 110), [100, 0, 0, 10, 40]],
  ])('are never negative: %s', (_, usage, expected) => expect(buckets('openai', usage)).toEqual(expected));

  it.each([
    ['nothing reported', undefined],
    ['no object', 'many'],
    ['empty', {}],
    ['only a prompt', { prompt_tokens: 12 }],
    ['a total smaller than the prompt', { prompt_tokens: 12, total_tokens: 3 }],
    ['negative', { prompt_tokens: -4, completion_tokens: 3 }],
    ['fractions', { prompt_tokens: 1.5, completion_tokens: 3 }],
    ['words', { prompt_tokens: '12', completion_tokens: 3 }],
  ])('are unknown: %s', (_, usage) => expect(tokensOf('openai', usage)).toBeNull());
});

describe('tokens of an Anthropic usage', () => {
  it.each([
    // The examples of the guide on prompt caching: the first request writes, the second reads.
    ['a cache written', { input_tokens: 21, cache_creation_input_tokens: 188_086, cache_read_input_tokens: 0, output_tokens: 393 }, [21, 0, 188_086, 393, 0]],
    ['a cache read', { input_tokens: 21, cache_creation_input_tokens: 0, cache_read_input_tokens: 188_086, output_tokens: 393 }, [21, 188_086, 0, 393, 0]],
    ['input beside both', { input_tokens: 50, cache_read_input_tokens: 100_000, cache_creation_input_tokens: 248, output_tokens: 503 }, [50, 100_000, 248, 503, 0]],
    ['no cache', { input_tokens: 12, output_tokens: 6 }, [12, 0, 0, 6, 0]],
    ['caches that are null', { input_tokens: 12, cache_creation_input_tokens: null, cache_read_input_tokens: null, output_tokens: 6 }, [12, 0, 0, 6, 0]],
    ['thinking is part of the output', { input_tokens: 12, output_tokens: 900, output_tokens_details: { thinking_tokens: 700 } }, [12, 0, 0, 200, 700]],
    ['more read than input is right', { input_tokens: 1, cache_read_input_tokens: 5_000, output_tokens: 1 }, [1, 5_000, 0, 1, 0]],
  ])('%s', (_, usage, expected) => expect(buckets('anthropic', usage)).toEqual(expected));

  it('tell what is kept for an hour', () => {
    const usage = {
      input_tokens: 2048,
      cache_read_input_tokens: 1800,
      cache_creation_input_tokens: 248,
      output_tokens: 503,
      cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
    };
    expect(tokensOf('anthropic', usage)).toEqual({ tokens: { input: 2048, cache_read: 1800, cache_write: 248, output: 503, reasoning: 0 }, cache_write_hour: 100 });
  });

  it('are unknown without output', () => expect(tokensOf('anthropic', { input_tokens: 5 })).toBeNull());
});

describe('the cost that a provider reports', () => {
  it.each([
    [{ cost: 0.00014 }, 0.00014],
    [{ cost: { total_cost: 0.006 } }, 0.006],
    [{ cost: 0 }, 0],
    [{ cost: -1 }, undefined],
    [{ cost: '0.1' }, undefined],
    [{}, undefined],
    [undefined, undefined],
  ])('of %j is %p', (usage, expected) => expect(reportedUsdOf(usage)).toBe(expected));
});

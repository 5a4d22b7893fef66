import type { Json } from '@runlog/execution';
import type { ModelChoice } from '@runlog/workflow';
import type { SdkCall } from './sdk.js';

type Settings = Omit<SdkCall, 'prompt' | 'tools' | 'abortSignal' | 'maxOutputTokens'>;
type Options = { [member: string]: Json };

/** A model's parameters as the SDK's call wants them. */
export const settingsOf = ({ provider, parameters = {} }: ModelChoice): Settings => {
  const { temperature, top_p, top_k, stop, seed, presence_penalty, frequency_penalty, reasoning_effort, thinking_tokens, parallel_tool_calls, provider_options } = parameters;
  const own: Options = { ...provider_options };
  if (provider === 'openai_compatible') {
    if (reasoning_effort !== undefined) own.reasoning_effort = reasoning_effort;
    if (parallel_tool_calls !== undefined) own.parallel_tool_calls = parallel_tool_calls;
  } else if (provider === 'openai') {
    if (reasoning_effort !== undefined) own.reasoningEffort = reasoning_effort;
    if (parallel_tool_calls !== undefined) own.parallelToolCalls = parallel_tool_calls;
  } else {
    if (thinking_tokens !== undefined) own.thinking = { type: 'enabled', budgetTokens: thinking_tokens };
    if (parallel_tool_calls !== undefined) own.disableParallelToolUse = !parallel_tool_calls;
  }
  const given: { [name: string]: unknown } = {
    temperature,
    topP: top_p,
    topK: top_k,
    stopSequences: stop && [...stop],
    seed,
    presencePenalty: presence_penalty,
    frequencyPenalty: frequency_penalty,
    ...(Object.keys(own).length > 0 ? { providerOptions: { [keys[provider]]: own } } : {}),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Settings;
};

const keys = { openai_compatible: 'openaiCompatible', openai: 'openai', anthropic: 'anthropic' } as const;

import type { ModelChoice } from '@runlog/workflow';
import type { SdkModel } from './sdk.js';

/** Every URL and key is given: the SDK's providers would look into the runner's environment for what is missing. */
const homes = { openai: 'https://api.openai.com/v1', anthropic: 'https://api.anthropic.com/v1', openai_compatible: '' } as const;
/** Servers that want no key get this one. */
const NO_KEY = 'none';

export const urlOf = ({ provider, base_url }: ModelChoice): string => (base_url ?? homes[provider]).replace(/\/+$/, '');

/** The provider's code is loaded at the first call: most runners never need all of them. */
export const sdkModel = async (choice: ModelChoice, key: string | undefined, fetch: typeof globalThis.fetch): Promise<SdkModel> => {
  const settings = { baseURL: urlOf(choice), apiKey: key ?? NO_KEY, fetch };
  switch (choice.provider) {
    case 'openai_compatible': {
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      const { apiKey, ...keyless } = settings;
      return createOpenAICompatible({ ...(key === undefined ? keyless : settings), name: 'openaiCompatible', includeUsage: true })(choice.name);
    }
    case 'openai': {
      const { createOpenAI } = await import('@ai-sdk/openai');
      return createOpenAI(settings).chat(choice.name);
    }
    case 'anthropic': {
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      return createAnthropic(settings)(choice.name);
    }
  }
};

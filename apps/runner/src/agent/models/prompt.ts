import type { Json } from '@runlog/execution';
import type { Image, Message } from './conversation.js';
import type { SdkMessage, SdkPrompt } from './sdk.js';

type UserContent = Extract<SdkMessage, { role: 'user' }>['content'];
type AssistantContent = Extract<SdkMessage, { role: 'assistant' }>['content'];
type Meta = NonNullable<SdkMessage['providerOptions']>;

/** A conversation as the SDK sends it to the model `by`. */
export const promptOf = (system: string | undefined, messages: readonly Message[], by: string): SdkPrompt => [
  ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
  ...messages.flatMap((message) => sdkMessages(message, by)),
];

const sdkMessages = (message: Message, by: string): SdkMessage[] => {
  switch (message.role) {
    case 'user':
      return [{ role: 'user', content: [{ type: 'text', text: message.text }, ...message.images.map(picture)] }];
    case 'assistant': {
      const content = spoken(message, by);
      return content.length > 0 ? [{ role: 'assistant', content }] : [];
    }
    case 'tool': {
      const images = message.results.flatMap((result) => result.images);
      const results: SdkMessage = {
        role: 'tool',
        content: message.results.map(({ id, name, output, isError }) => ({ type: 'tool-result', toolCallId: id, toolName: name, output: resultOf(output, isError) })),
      };
      // Most providers take pictures from users only.
      return images.length === 0 ? [results] : [results, { role: 'user', content: [{ type: 'text', text: 'Pictures that the tools gave:' }, ...images.map(picture)] }];
    }
  }
};

const spoken = ({ parts, by: speaker }: Extract<Message, { role: 'assistant' }>, by: string): AssistantContent => {
  const isOwn = speaker === by;
  return parts.flatMap((part): AssistantContent => {
    const meta = isOwn && 'meta' in part && part.meta ? { providerOptions: part.meta as Meta } : {};
    switch (part.type) {
      case 'text':
        return part.text === '' ? [] : [{ type: 'text', text: part.text, ...meta }];
      // Another model can't check it, and refuses it.
      case 'thinking':
        return isOwn ? [{ type: 'reasoning', text: part.text, ...meta }] : [];
      case 'call':
        return [{ type: 'tool-call', toolCallId: part.id, toolName: part.name, input: argumentsOf(part.text), ...meta }];
      case 'image':
        return [];
    }
  });
};

/** Providers take objects only: what is none is shown as text. */
const argumentsOf = (text: string): Json => {
  try {
    const value = JSON.parse(text === '' ? '{}' : text) as Json;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { malformed: text };
  } catch {
    return { malformed: text };
  }
};

const resultOf = (output: Json, isError: boolean) =>
  typeof output === 'string'
    ? { type: isError ? ('error-text' as const) : ('text' as const), value: output }
    : { type: isError ? ('error-json' as const) : ('json' as const), value: output };

const picture = (image: Image): UserContent[number] => ({ type: 'file', mediaType: image.media_type, data: 'url' in image ? new URL(image.url) : image.data });

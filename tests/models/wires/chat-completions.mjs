// OpenAI's chat completions, as compatible servers speak them: https://platform.openai.com/docs/api-reference/chat
import { block, textOf } from './text.mjs';

export const path = '/chat/completions';

export const read = (body) => ({
  model: String(body.model ?? ''),
  isStream: body.stream === true,
  wantsUsage: body.stream_options?.include_usage === true,
  messages: (body.messages ?? []).map(({ role, content }) => ({ role: role === 'developer' ? 'system' : role, text: textOf(content) })),
});

export const keyOf = (headers) => headers.authorization?.replace(/^Bearer /, '');

const usageAs = (usage) =>
  usage && {
    prompt_tokens: usage.input + usage.cache_read + usage.cache_write,
    completion_tokens: usage.output + usage.reasoning,
    total_tokens: usage.input + usage.cache_read + usage.cache_write + usage.output + usage.reasoning,
    prompt_tokens_details: { cached_tokens: usage.cache_read },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
  };

export const failure = (status, message, code) => ({
  error: { message, type: status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error', param: null, code: code ?? null },
});

export const stream = ({ id, model, wantsUsage }) => {
  const chunk = (delta, finish = null) => block({ id, object: 'chat.completion.chunk', created: 1_750_000_000, model, choices: [{ index: 0, delta, finish_reason: finish }] });
  return {
    start: () => chunk({ role: 'assistant', content: '' }),
    piece(piece) {
      if (piece.kind === 'thinking') return chunk({ reasoning_content: piece.text });
      if (piece.kind === 'content') return chunk({ content: piece.text });
      if (piece.kind === 'image') return chunk({ images: [{ type: 'image_url', image_url: { url: `data:${piece.media_type};base64,${piece.data}` } }] });
      if (piece.kind === 'tool') return chunk({ tool_calls: [{ index: piece.index, id: piece.id, type: 'function', function: { name: piece.name, arguments: '' } }] });
      return chunk({ tool_calls: [{ index: piece.index, function: { arguments: piece.text } }] });
    },
    error: (message) => block(failure(500, message)),
    end(usage, finish) {
      const last = usage && wantsUsage ? block({ id, object: 'chat.completion.chunk', created: 1_750_000_000, model, choices: [], usage: usageAs(usage) }) : '';
      return `${chunk({}, finish)}${last}data: [DONE]\n\n`;
    },
  };
};

export const whole = ({ id, model }, { thinking, content, tools, images }, usage, finish) => ({
  id,
  object: 'chat.completion',
  created: 1_750_000_000,
  model,
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: content || null,
        ...(thinking ? { reasoning_content: thinking } : {}),
        ...(images.length ? { images: images.map(({ media_type, data }) => ({ type: 'image_url', image_url: { url: `data:${media_type};base64,${data}` } })) } : {}),
        ...(tools.length ? { tool_calls: tools.map((tool) => ({ id: tool.id, type: 'function', function: { name: tool.name, arguments: tool.arguments } })) } : {}),
      },
      finish_reason: finish,
    },
  ],
  ...(usage ? { usage: usageAs(usage) } : {}),
});

// Anthropic's messages: https://docs.anthropic.com/en/api/messages
import { block, textOf } from './text.mjs';

export const path = '/messages';

/** Results of tools come in a user's message; each is one message here. */
const messagesOf = ({ role, content }) => {
  if (!Array.isArray(content)) return [{ role, text: textOf(content) }];
  const results = content.filter((part) => part.type === 'tool_result').map((part) => ({ role: 'tool', text: textOf(part.content) }));
  const others = content.filter((part) => part.type !== 'tool_result');
  return others.length ? [...results, { role, text: textOf(others) }] : results;
};

export const read = (body) => ({
  model: String(body.model ?? ''),
  isStream: body.stream === true,
  wantsUsage: true,
  messages: [...(body.system ? [{ role: 'system', text: textOf(body.system) }] : []), ...(body.messages ?? []).flatMap(messagesOf)],
});

export const keyOf = (headers) => headers['x-api-key'] ?? headers.authorization?.replace(/^Bearer /, '');

const types = { 400: 'invalid_request_error', 401: 'authentication_error', 403: 'permission_error', 404: 'not_found_error', 429: 'rate_limit_error', 529: 'overloaded_error' };
export const failure = (status, message) => ({ type: 'error', error: { type: types[status] ?? 'api_error', message } });

const inputUsage = (usage) => ({ input_tokens: usage?.input ?? 0, cache_read_input_tokens: usage?.cache_read ?? 0, cache_creation_input_tokens: usage?.cache_write ?? 0 });
const outputUsage = (usage) => ({
  output_tokens: (usage?.output ?? 0) + (usage?.reasoning ?? 0),
  ...(usage?.reasoning ? { output_tokens_details: { thinking_tokens: usage.reasoning } } : {}),
});
const stopReasons = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' };

export const stream = ({ id, model, usage }) => {
  const event = (data) => block(data, data.type);
  let [index, open] = [-1, undefined];
  const close = () => {
    if (open === undefined) return '';
    const signature = open === 'thinking' ? event({ type: 'content_block_delta', index, delta: { type: 'signature_delta', signature: `signed-${id}` } }) : '';
    open = undefined;
    return `${signature}${event({ type: 'content_block_stop', index })}`;
  };
  const begin = (kind, content_block) => {
    const closed = close();
    open = kind;
    return `${closed}${event({ type: 'content_block_start', index: ++index, content_block })}`;
  };
  const delta = (value) => event({ type: 'content_block_delta', index, delta: value });
  return {
    start: () =>
      event({
        type: 'message_start',
        message: { id, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null, usage: { ...inputUsage(usage), output_tokens: 1 } },
      }) + event({ type: 'ping' }),
    piece(piece) {
      if (piece.kind === 'thinking')
        return (open === 'thinking' ? '' : begin('thinking', { type: 'thinking', thinking: '' })) + delta({ type: 'thinking_delta', thinking: piece.text });
      if (piece.kind === 'content') return (open === 'content' ? '' : begin('content', { type: 'text', text: '' })) + delta({ type: 'text_delta', text: piece.text });
      if (piece.kind === 'tool') return begin('tool', { type: 'tool_use', id: piece.id, name: piece.name, input: {} });
      return piece.kind === 'arguments' ? delta({ type: 'input_json_delta', partial_json: piece.text }) : '';
    },
    error: (message) => event({ type: 'error', error: { type: 'overloaded_error', message } }),
    end: (_usage, finish) =>
      close() +
      event({ type: 'message_delta', delta: { stop_reason: stopReasons[finish], stop_sequence: null }, usage: { ...inputUsage(usage), ...outputUsage(usage) } }) +
      event({ type: 'message_stop' }),
  };
};

export const whole = ({ id, model }, { thinking, content, tools }, usage, finish) => ({
  id,
  type: 'message',
  role: 'assistant',
  model,
  content: [
    ...(thinking ? [{ type: 'thinking', thinking, signature: `signed-${id}` }] : []),
    ...(content ? [{ type: 'text', text: content }] : []),
    ...tools.map((tool) => ({ type: 'tool_use', id: tool.id, name: tool.name, input: parsed(tool.arguments) })),
  ],
  stop_reason: stopReasons[finish],
  stop_sequence: null,
  usage: { ...inputUsage(usage), ...outputUsage(usage) },
});

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

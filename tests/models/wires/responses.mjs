// OpenAI's responses: https://platform.openai.com/docs/api-reference/responses
import { block, textOf } from './text.mjs';

export const path = '/responses';

const said = new Set(['function_call', 'reasoning', 'item_reference', 'image_generation_call']);

/** What the model gave in one turn are several items; they are one message here. */
const messagesOf = (input) => {
  const messages = [];
  for (const item of input) {
    if (item.type === 'function_call_output') messages.push({ role: 'tool', text: typeof item.output === 'string' ? item.output : textOf(item.output) });
    else if (!said.has(item.type) && item.role !== 'assistant') messages.push({ role: item.role === 'developer' ? 'system' : item.role, text: textOf(item.content) });
    else if (messages.at(-1)?.role === 'assistant') messages.at(-1).text += textOf(item.content);
    else messages.push({ role: 'assistant', text: textOf(item.content) });
  }
  return messages;
};

export const read = (body) => ({
  model: String(body.model ?? ''),
  isStream: body.stream === true,
  wantsUsage: true,
  messages: [
    ...(body.instructions ? [{ role: 'system', text: body.instructions }] : []),
    ...(typeof body.input === 'string' ? [{ role: 'user', text: body.input }] : messagesOf(body.input ?? [])),
  ],
});

export { failure, keyOf } from './chat-completions.mjs';

const usageAs = (usage) =>
  usage && {
    input_tokens: usage.input + usage.cache_read + usage.cache_write,
    input_tokens_details: { cached_tokens: usage.cache_read, ...(usage.cache_write ? { cache_write_tokens: usage.cache_write } : {}) },
    output_tokens: usage.output + usage.reasoning,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.cache_read + usage.cache_write + usage.output + usage.reasoning,
  };

const incomplete = { length: 'max_output_tokens', content_filter: 'content_filter' };
const responseOf = ({ id, model }, output, usage, finish) => ({
  id,
  object: 'response',
  created_at: 1_750_000_000,
  model,
  status: finish in incomplete ? 'incomplete' : 'completed',
  error: null,
  incomplete_details: finish in incomplete ? { reason: incomplete[finish] } : null,
  output,
  usage: usageAs(usage),
});

export const stream = (about) => {
  const output = [];
  let [nth, open] = [0, undefined];
  const event = (data) => block({ ...data, sequence_number: nth++ }, data.type);
  const close = () => {
    if (!open) return '';
    const item = open;
    open = undefined;
    if ('status' in item) item.status = 'completed';
    const part = item.type === 'reasoning' ? event({ type: 'response.reasoning_summary_part.done', item_id: item.id, summary_index: 0 }) : '';
    const given =
      item.type === 'function_call' ? event({ type: 'response.function_call_arguments.done', item_id: item.id, output_index: output.length - 1, arguments: item.arguments }) : '';
    return part + given + event({ type: 'response.output_item.done', output_index: output.length - 1, item });
  };
  const begin = (item, shown = item) => {
    const closed = close();
    open = item;
    output.push(item);
    return closed + event({ type: 'response.output_item.added', output_index: output.length - 1, item: shown });
  };
  const itemId = (kind) => `${kind}_${about.id}_${output.length}`;
  const on = { output_index: 0 };
  const thinking = (text) => {
    let begun = '';
    if (open?.type !== 'reasoning') {
      begun = begin({ type: 'reasoning', id: itemId('rs'), summary: [{ type: 'summary_text', text: '' }] });
      begun += event({ type: 'response.reasoning_summary_part.added', item_id: open.id, summary_index: 0 });
    }
    open.summary[0].text += text;
    return begun + event({ type: 'response.reasoning_summary_text.delta', item_id: open.id, summary_index: 0, delta: text });
  };
  const content = (text) => {
    const begun =
      open?.type === 'message'
        ? ''
        : begin({ type: 'message', role: 'assistant', id: itemId('msg'), status: 'in_progress', content: [{ type: 'output_text', text: '', annotations: [] }] });
    open.content[0].text += text;
    return begun + event({ type: 'response.output_text.delta', item_id: open.id, ...on, content_index: 0, delta: text });
  };
  return {
    start: () => event({ type: 'response.created', response: { ...responseOf(about, [], null, 'stop'), status: 'in_progress' } }),
    piece(piece) {
      if (piece.kind === 'thinking') return thinking(piece.text);
      if (piece.kind === 'content') return content(piece.text);
      if (piece.kind === 'tool') return begin({ type: 'function_call', id: itemId('fc'), call_id: piece.id, name: piece.name, arguments: '', status: 'in_progress' });
      if (piece.kind === 'image') return begin({ type: 'image_generation_call', id: itemId('ig'), status: 'in_progress', result: piece.data });
      open.arguments += piece.text;
      return event({ type: 'response.function_call_arguments.delta', item_id: open.id, output_index: output.length - 1, delta: piece.text });
    },
    error: (message) => event({ type: 'error', error: { type: 'server_error', code: 'server_error', message, param: null } }),
    end: (usage, finish) => close() + event({ type: finish in incomplete ? 'response.incomplete' : 'response.completed', response: responseOf(about, output, usage, finish) }),
  };
};

export const whole = (about, { thinking, content, tools, images }, usage, finish) =>
  responseOf(
    about,
    [
      ...(thinking ? [{ type: 'reasoning', id: `rs_${about.id}`, summary: [{ type: 'summary_text', text: thinking }] }] : []),
      ...(content ? [{ type: 'message', role: 'assistant', id: `msg_${about.id}`, status: 'completed', content: [{ type: 'output_text', text: content, annotations: [] }] }] : []),
      ...images.map((image, n) => ({ type: 'image_generation_call', id: `ig_${about.id}_${n}`, status: 'completed', result: image.data })),
      ...tools.map((tool, n) => ({ type: 'function_call', id: `fc_${about.id}_${n}`, call_id: tool.id, name: tool.name, arguments: tool.arguments, status: 'completed' })),
    ],
    usage,
    finish,
  );

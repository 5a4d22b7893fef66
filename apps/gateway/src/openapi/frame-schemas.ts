import { statuses } from '../executions/list.dto.js';
import { count, object, oneOfWords, ref, type Schema, text } from './json-schema.js';

const ended = oneOfWords(statuses.filter((status) => ['completed', 'failed', 'cancelled', 'rejected'].includes(status)));

/** What the `data` of frames holds that is no resource. */
export const frameSchemas: Readonly<Record<string, Schema>> = {
  StreamDone: object({ status: ended, version: count }),
  OutcomeDone: object({ output: { type: 'object', additionalProperties: true, description: 'Any other output is wrapped as {response}' }, token_usage: ref('TokenUsage') }),
  OutcomeError: object({ message: text, code: text, status: ended }),
  SaidFrame: object({ content: text }),
  ToolStartFrame: object({ id: text, name: text }),
  ToolEndFrame: object({ id: text, name: text, summary: text }, ['summary']),
  Nothing: { type: 'object', additionalProperties: false },
};

/** One frame: its `event:` and `id:` lines where it has them, and what its `data:` line holds. */
const frame = (event: Schema, data: string, about: string, id?: Schema): Schema => ({
  type: 'object',
  description: about,
  properties: { event, ...(id ? { id } : {}), data: { type: 'string', contentMediaType: 'application/json', contentSchema: ref(data) } },
  required: ['event', ...(id ? ['id'] : []), 'data'],
});

const word = (event: string): Schema => ({ const: event });
const placed: Schema = { type: 'string', pattern: '^[0-9]+\\.[0-9]+$', description: '`<version>.<n>`' };
const number: Schema = { type: 'string', pattern: '^[0-9]+$' };
const reconnect = frame(word('reconnect'), 'Nothing', 'Closed after 10 minutes: connect again with Last-Event-ID');
const done = frame(word('done'), 'StreamDone', 'The end');

const streams: Readonly<Record<string, { readonly frames: readonly Schema[]; readonly example: string }>> = {
  listEvents: {
    frames: [
      frame({ type: 'string', pattern: '^[A-Z][A-Za-z]+$', description: 'Type of the event' }, 'Event', 'One event, once, in order; its id is the version', number),
      frame(word('reset'), 'Execution', 'The id that was named never was, or is no longer kept: how the execution stands; events after it follow', number),
      done,
      reconnect,
    ],
    example:
      'retry: 1000\n\nid: 7\nevent: ExecutionCompleted\ndata: {"object":"event","version":7,"type":"ExecutionCompleted"}\n\nevent: done\ndata: {"status":"completed","version":7}\n\n',
  },
  listLogs: {
    frames: [
      frame(word('log'), 'LogLine', 'One line, once, in order; its id is the seq', number),
      frame(word('reset'), 'Nothing', 'The id that was named is not there: every line follows', number),
      done,
      reconnect,
    ],
    example:
      'retry: 1000\n\nid: 12\nevent: log\ndata: {"seq":12,"at":"2026-03-31T09:30:00.000Z","level":"info","node_id":"pay","attempt":1,"message":"paying 40","fields":null}\n\nevent: done\ndata: {"status":"completed","version":7}\n\n',
  },
  streamExecution: {
    frames: [
      frame(word('thinking'), 'SaidFrame', 'A piece of what an agent thinks', placed),
      frame(word('tool_start'), 'ToolStartFrame', 'An agent uses a tool', placed),
      frame(word('tool_end'), 'ToolEndFrame', 'What came of it', placed),
      frame(word('content'), 'SaidFrame', 'A piece of what an agent says: all of them, joined, are its final text', placed),
      frame(word('done'), 'OutcomeDone', 'It completed'),
      frame(word('error'), 'OutcomeError', 'It failed, or was rejected or cancelled'),
    ],
    example:
      'retry: 1000\n\nid: 5.120\nevent: content\ndata: {"content":"Your order "}\n\nid: 5.121\nevent: content\ndata: {"content":"is on its way."}\n\nevent: done\ndata: {"output":{"response":"Your order is on its way."},"token_usage":{"prompt_tokens":450,"completion_tokens":12,"total_tokens":462}}\n\n',
  },
};

const rules =
  'First `retry: 1000`, then frames with one `data:` line of JSON, and a comment every 15 s. Reconnect with Last-Event-ID (or ?last_event_id); at or after the end that is 204. The schema is that of one frame.';

/** The media type of an operation that streams: its schema is that of one frame. undefined: it does not stream. */
export const streamOf = (operationId: string): object | undefined => {
  const stream = streams[operationId];
  return stream && { schema: { description: rules, anyOf: stream.frames }, example: stream.example };
};

import { statuses } from '../executions/list.dto.js';
import { count, object, oneOfWords, ref, type Schema, text } from './json-schema.js';

const ended = oneOfWords(statuses.filter((status) => ['completed', 'failed', 'cancelled', 'rejected'].includes(status)));

/** What the `data` of frames holds that is no resource. */
export const frameSchemas: Readonly<Record<string, Schema>> = {
  StreamDone: object({ status: ended, version: count }),
  OutcomeDone: object({ output: { type: 'object', additionalProperties: true, description: 'Any other output is wrapped as {response}' }, token_usage: ref('TokenUsage') }),
  OutcomeError: object({ message: text, code: text, status: ended }),
  Nothing: { type: 'object', additionalProperties: false },
};

interface Frame {
  /** Absent: the frame has no `event:` line. `*`: see `data`. */
  readonly event: string;
  /** What the frame's `id:` is, where it has one. */
  readonly id?: string;
  readonly data: string;
  readonly about: string;
}

const reconnect: Frame = { event: 'reconnect', data: 'Nothing', about: 'Closed after 10 minutes: connect again with Last-Event-ID' };
const done: Frame = { event: 'done', data: 'StreamDone', about: 'The end' };

const frames: Readonly<Record<string, { readonly frames: readonly Frame[]; readonly example: string }>> = {
  listEvents: {
    frames: [
      { event: '<type of the event>', id: 'version', data: 'Event', about: 'One event, once, in order' },
      { event: 'reset', id: 'version', data: 'Execution', about: 'The id that was named never was, or is no longer kept: how the execution stands; events after it follow' },
      done,
      reconnect,
    ],
    example:
      'retry: 1000\n\nid: 7\nevent: ExecutionCompleted\ndata: {"object":"event","version":7,"type":"ExecutionCompleted"}\n\nevent: done\ndata: {"status":"completed","version":7}\n\n',
  },
  listLogs: {
    frames: [
      { event: 'log', id: 'seq', data: 'LogLine', about: 'One line, once, in order' },
      { event: 'reset', id: '0', data: 'Nothing', about: 'The id that was named is not there: every line follows' },
      done,
      reconnect,
    ],
    example:
      'retry: 1000\n\nid: 12\nevent: log\ndata: {"seq":12,"at":"2026-03-31T09:30:00.000Z","level":"info","node_id":"pay","attempt":1,"message":"paying 40","fields":null}\n\nevent: done\ndata: {"status":"completed","version":7}\n\n',
  },
  streamExecution: {
    frames: [
      { event: 'done', data: 'OutcomeDone', about: 'It completed' },
      { event: 'error', data: 'OutcomeError', about: 'It failed, or was rejected or cancelled' },
    ],
    example: 'retry: 1000\n\nevent: done\ndata: {"output":{"paid":40},"token_usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}\n\n',
  },
};

const rules =
  'A text/event-stream: first `retry: 1000`, then frames with one `data:` line of JSON, and a comment every 15 s. Reconnect with Last-Event-ID (or ?last_event_id); at or after the end that is 204.';

/** The media type of an operation that streams; undefined: it does not. */
export const streamOf = (operationId: string): object | undefined => {
  const stream = frames[operationId];
  if (!stream) return undefined;
  return {
    schema: { type: 'string', description: rules },
    example: stream.example,
    'x-frames': stream.frames.map(({ data, ...frame }) => ({ ...frame, data: ref(data) })),
  };
};

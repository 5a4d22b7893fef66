import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Running } from './standalone.js';

/** What a stream said until it ended, or until the reader had enough. */
export interface Stream {
  readonly status: number;
  readonly headers: Headers;
  /** As sent, byte for byte. */
  readonly text: string;
  readonly messages: readonly EventSourceMessage[];
  /** Whether the server closed it. */
  readonly closed: boolean;
}

interface Reading {
  readonly headers?: Record<string, string>;
  /** Asked after each chunk; true: stop reading. */
  readonly enough?: (messages: readonly EventSourceMessage[]) => boolean;
}

/** Reads a text/event-stream to its end. A connection that breaks off ends it too. */
export const read = async ({ url, key }: Pick<Running, 'url' | 'key'>, path: string, { headers = {}, enough = () => false }: Reading = {}): Promise<Stream> => {
  const abort = new AbortController();
  const messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => messages.push(message) });
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream', ...headers }, signal: abort.signal });
  const decoder = new TextDecoder();
  let text = '';
  let closed = true;
  try {
    for await (const chunk of response.body ?? []) {
      const piece = decoder.decode(chunk as Uint8Array, { stream: true });
      text += piece;
      parser.feed(piece);
      if (enough(messages)) {
        closed = false;
        break;
      }
    }
  } catch {
    closed = false;
  } finally {
    abort.abort();
  }
  return { status: response.status, headers: response.headers, text, messages, closed };
};

export const idsOf = (messages: readonly EventSourceMessage[]): number[] => messages.flatMap(({ id }) => (id === undefined || id === '' ? [] : [Number(id)]));

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, at) => at + 1);

import type { Egress } from '../../egress/egress.js';
import { undici } from '../../egress/undici.js';
import { AnswerTooLarge, NoStream } from './model-failed.js';

/** A model that says nothing for so long has gone. */
const SILENT_MS = 300_000;
/** Of one answer on the wire, frames of the protocol included. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Servers name streams in many ways, but never so. */
const neverStreams = /\bhtml\b|[/+]json\b/i;

/** `fetch` for the AI SDK that reaches no place that nodes may not reach, follows no redirect, uses no proxy, and reads no more than it should of a stream. */
export const fetchThrough =
  (egress: Egress, traced: { readonly traceparent?: string } = {}): typeof globalThis.fetch =>
  async (input, init) => {
    const url = new URL(String(input));
    egress.checkUrl(url);
    const headers = { ...traced, ...Object.fromEntries(new Headers(init?.headers)), 'accept-encoding': 'identity' };
    const {
      statusCode,
      headers: answered,
      body,
    } = await undici().request(url, {
      method: 'POST',
      headers,
      body: String(init?.body ?? ''),
      signal: init?.signal ?? null,
      dispatcher: egress.dispatcher,
      headersTimeout: SILENT_MS,
      bodyTimeout: SILENT_MS,
    });
    const given = new Headers();
    for (const [name, value] of Object.entries(answered)) if (value !== undefined) given.set(name, [value].flat().join(', '));
    const type = given.get('content-type') ?? '';
    if (statusCode < 300 && neverStreams.test(type)) {
      body.on('error', () => undefined).destroy();
      throw new NoStream(type);
    }
    return new Response(ReadableStream.from(capped(body)) as ReadableStream<Uint8Array>, { status: statusCode, headers: given });
  };

async function* capped(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new AnswerTooLarge(MAX_ANSWER_BYTES);
    yield chunk;
  }
}

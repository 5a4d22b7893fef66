import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { type Dispatcher, request } from 'undici';
import type { Egress } from '../../../egress/egress.js';

/** Of one answer on the wire; as much as a server over stdio may say in one message. */
const MAX_ANSWER_BYTES = 10 * 1024 * 1024;
const MAX_SILENCE_MS = 600_000;
const BYE_WITHIN_MS = 2_000;

export interface HttpServer {
  readonly url: string;
  /** Secret ones among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Streamable HTTP over the only way out for nodes. */
export const httpTransport = async ({ url, headers }: HttpServer, egress: Egress): Promise<StreamableHTTPClientTransport> => {
  const { StreamableHTTPClientTransport: Transport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  return new Transport(new URL(url), { fetch: guarded(egress), requestInit: { headers } });
};

/** Tells the server that the session is over, if it still listens. */
export const sayBye = async (transport: StreamableHTTPClientTransport): Promise<void> => {
  if (transport.sessionId === undefined) return;
  await Promise.race([transport.terminateSession(), new Promise((resolve) => setTimeout(resolve, BYE_WITHIN_MS).unref())]).catch(() => undefined);
};

/** A `fetch` that reaches no place that nodes may not reach, and reads no more than it should. The SDK follows redirects by hand, within the origin. */
const guarded =
  (egress: Egress) =>
  async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input);
    egress.checkUrl(url);
    const headers = new Headers(init.headers);
    const method = init.method ?? 'GET';
    // Nothing that servers say unasked is of use here; only an answer that broke off is read on.
    if (method === 'GET' && !headers.has('last-event-id')) return new Response(null, { status: 405 });
    headers.set('accept-encoding', 'identity');
    headers.set('user-agent', 'runlog');
    const answer = await request(url, {
      method: method as Dispatcher.HttpMethod,
      headers: Object.fromEntries(headers),
      body: init.body === undefined || init.body === null ? null : String(init.body),
      signal: init.signal ?? null,
      dispatcher: egress.longDispatcher,
      headersTimeout: MAX_SILENCE_MS,
      bodyTimeout: MAX_SILENCE_MS,
    });
    const given = new Headers();
    for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) given.set(name, [value].flat().join(', '));
    const isEmpty = [204, 205, 304].includes(answer.statusCode);
    if (isEmpty) await answer.body.dump();
    return new Response(isEmpty ? null : (ReadableStream.from(capped(answer.body)) as ReadableStream<Uint8Array>), { status: answer.statusCode, headers: given });
  };

async function* capped(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`Expected an answer of at most ${MAX_ANSWER_BYTES} bytes, but it has more`);
    yield chunk;
  }
}

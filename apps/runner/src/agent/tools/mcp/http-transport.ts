import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Dispatcher } from 'undici';
import type { Egress } from '../../../egress/egress.js';
import { undici } from '../../../egress/undici.js';
import { MAX_MESSAGE_BYTES } from './max-message.js';

const MAX_SILENCE_MS = 600_000;
const BYE_WITHIN_MS = 2_000;
/** What was read before an answer ended is dealt with by then. */
const DEALT_WITH_MS = 250;
/** JSON-RPC's, as the SDK has it. */
const CONNECTION_CLOSED = -32_000;

export interface HttpServer {
  readonly url: string;
  /** Secret ones among them. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Streamable HTTP over the only way out for nodes. */
export const httpTransport = async ({ url, headers }: HttpServer, egress: Egress): Promise<StreamableHTTPClientTransport> => {
  const { StreamableHTTPClientTransport: Transport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const transport: StreamableHTTPClientTransport = new Transport(new URL(url), {
    fetch: guarded(egress, (id) => transport.onmessage?.({ jsonrpc: '2.0', id, error: { code: CONNECTION_CLOSED, message: 'Connection closed' } })),
    requestInit: { headers },
  });
  return transport;
};

/** Tells the server that the session is over, if it still listens; one that does not hear it forgets the session in its own time. */
export const sayBye = async (transport: StreamableHTTPClientTransport): Promise<void> => {
  if (transport.sessionId === undefined) return;
  await Promise.race([transport.terminateSession(), new Promise((resolve) => setTimeout(resolve, BYE_WITHIN_MS).unref())]).catch(() => undefined);
};

/**
 * A `fetch` that reaches no place that nodes may not reach, and reads no more than it should. The SDK follows redirects by hand, within the origin.
 * @param onEnd told the id of a request whose answer is over: if there was no answer in it, none will come
 */
const guarded =
  (egress: Egress, onEnd: (id: string | number) => void) =>
  async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input);
    egress.checkUrl(url);
    const method = init.method ?? 'GET';
    // Nothing that servers say unasked is of use here.
    if (method === 'GET') return new Response(null, { status: 405 });
    const sent = typeof init.body === 'string' ? init.body : null;
    const { statusCode, headers, body } = await undici().request(url, {
      method: method as Dispatcher.HttpMethod,
      headers: { ...Object.fromEntries(new Headers(init.headers)), 'accept-encoding': 'identity', 'user-agent': 'runlog' },
      body: sent,
      signal: init.signal ?? null,
      dispatcher: egress.dispatcher,
      headersTimeout: MAX_SILENCE_MS,
      bodyTimeout: MAX_SILENCE_MS,
    });
    const given = new Headers();
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) given.set(name, [value].flat().join(', '));
    if ([204, 205, 304].includes(statusCode)) {
      await body.dump();
      return new Response(null, { status: statusCode, headers: given });
    }
    const id = statusCode === 200 ? requestId(sent) : undefined;
    const over = (): void => void (id !== undefined && setTimeout(onEnd, DEALT_WITH_MS, id).unref());
    return new Response(ReadableStream.from(capped(body, over)) as ReadableStream<Uint8Array>, { status: statusCode, headers: given });
  };

const requestId = (sent: string | null): string | number | undefined => (sent === null ? undefined : (JSON.parse(sent) as { id?: string | number }).id);

async function* capped(body: AsyncIterable<Uint8Array>, over: () => void): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > MAX_MESSAGE_BYTES) throw new Error(`Expected an answer of at most ${MAX_MESSAGE_BYTES} bytes, but it has more`);
      yield chunk;
    }
  } finally {
    over();
  }
}

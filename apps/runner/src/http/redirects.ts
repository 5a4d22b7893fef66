import type { Dispatcher } from 'undici';
import type { Egress } from '../egress/egress.js';
import { undici } from '../egress/undici.js';
import { terminal } from '../kinds/node-kind.js';
import type { HttpRequest } from './request.js';

const MAX_REDIRECTS = 5;
const redirects = new Set([301, 302, 303, 307, 308]);
/** Says who is asking: never passed on to another origin. */
const credentials = ['authorization', 'cookie', 'x-api-key', 'x-auth-token'];

export interface Sending {
  /** One more header that stays with its origin. */
  readonly secretHeader?: string | undefined;
  /** Called when somebody has answered, with a redirect too. */
  onAnswer?(): void;
  /** On a connection of its own: one that was kept open may break at the very moment at which it is used again. */
  readonly isFresh?: boolean;
}

/** Sends a request and follows at most five redirects by hand: each is checked like the first. */
export const send = async (
  first: HttpRequest,
  egress: Egress,
  signal: AbortSignal,
  { secretHeader, onAnswer, isFresh = false }: Sending = {},
): Promise<Dispatcher.ResponseData> => {
  const dispatcher = isFresh ? egress.freshDispatcher : egress.dispatcher;
  let current = first;
  for (let followed = 0; ; followed++) {
    egress.checkUrl(current.url);
    const { method, url, headers, body } = current;
    const response = await orAborted(undici().request(url, { method: method as Dispatcher.HttpMethod, headers, body: body ?? null, signal, dispatcher }), signal);
    onAnswer?.();
    const { location } = response.headers;
    if (!redirects.has(response.statusCode) || typeof location !== 'string') return response;
    response.body.on('error', () => undefined).destroy();
    if (followed === MAX_REDIRECTS) throw terminal('http_redirects', `Expected at most ${MAX_REDIRECTS} redirects, but '${first.url.origin}' led to more`);
    if (!URL.canParse(location, url.href)) throw terminal('http_redirects', `Expected a URL to go on to, but '${url.origin}' answered with a location that is none`);
    current = redirected(current, response.statusCode, new URL(location, url), secretHeader);
  }
};

/** A request that waits for its connection hears of an abort only once it has one, and is then not sent. */
const orAborted = async <Answer>(answer: Promise<Answer>, signal: AbortSignal): Promise<Answer> => {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  // After an abort nobody waits for it.
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
};

const redirected = (from: HttpRequest, status: number, url: URL, secretHeader: string | undefined): HttpRequest => {
  const becomesGet = (status === 303 && from.method !== 'HEAD') || (status < 303 && from.method === 'POST');
  const dropped = new Set([
    ...(url.origin === from.url.origin ? [] : [...credentials, ...(secretHeader ? [secretHeader.toLowerCase()] : [])]),
    ...(becomesGet ? ['content-type', 'content-encoding', 'idempotency-key'] : []),
  ]);
  url.username = '';
  url.password = '';
  return {
    method: becomesGet ? 'GET' : from.method,
    url,
    headers: Object.fromEntries(Object.entries(from.headers).filter(([name]) => !dropped.has(name))),
    body: becomesGet ? undefined : from.body,
  };
};

import type { Json } from '@runlog/execution';
import { shownUrl, userProblem } from '@runlog/workflow';
import { type NodeContext, terminal } from '../kinds/node-kind.js';

/** A request as it will be sent; header names are lower case. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Set by the connection itself; a node that could set them could speak to another host or smuggle a second request. */
const reserved = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'keep-alive',
  'expect',
  'proxy-authorization',
  'proxy-connection',
  'http2-settings',
]);
const repeatable = new Set(['POST', 'PATCH']);
const bodiless = new Set(['GET', 'HEAD']);

type Config = NodeContext['config'];

/** The headers that a config describes, with those that its `auth` makes of a secret. @throws NodeFailure `http_invalid` */
export const requestHeaders = async ({ headers, auth }: Config, context: Pick<NodeContext, 'secrets' | 'conceal'>): Promise<Record<string, string>> => ({
  ...headersOf(headers ?? {}),
  ...(await authOf(auth, context)),
});

/** The request that a config describes. @throws NodeFailure `http_invalid` when it can't be sent */
export const requestOf = async (context: NodeContext): Promise<HttpRequest> => {
  const { config } = context;
  const method = typeof config.method === 'string' ? config.method.toUpperCase() : 'GET';
  const headers = headersOf(config.headers ?? {});
  const body = bodiless.has(method) ? undefined : bodyOf(config.body, headers);
  if (repeatable.has(method) || context.effect === 'keyed') headers['idempotency-key'] ??= context.idempotencyKey;
  headers['user-agent'] ??= 'runlog';
  if (context.traceparent !== undefined) headers.traceparent ??= context.traceparent;
  Object.assign(headers, await authOf(config.auth, context));
  return { method, url: urlWithQuery(config), headers, body };
};

/** The URL of a config. @throws NodeFailure `http_invalid`, which repeats no password */
export const urlOf = ({ url: text }: Config): URL => {
  if (typeof text !== 'string' || !URL.canParse(text))
    throw terminal('http_invalid', `Expected a URL, but got ${JSON.stringify(typeof text === 'string' ? shownUrl(text) : (text ?? null)).slice(0, 200)}`);
  const problem = userProblem(text, 'auth');
  if (problem !== undefined) throw terminal('http_invalid', problem);
  return new URL(text);
};

const urlWithQuery = (config: Config): URL => {
  const url = urlOf(config);
  const { query } = config;
  for (const [name, value] of Object.entries(isObject(query) ? query : {}))
    for (const item of Array.isArray(value) ? value : [value]) if (item !== null) url.searchParams.append(name, asText(item));
  return url;
};

const headersOf = (given: Json): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(isObject(given) ? given : {})) {
    const lower = name.toLowerCase();
    const text = asText(value);
    if (reserved.has(lower)) throw terminal('http_invalid', `Expected headers that a node may set, but '${name}' is set by the connection`);
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(lower) || /[^\t\x20-\x7e\x80-\xff]/.test(text))
      throw terminal('http_invalid', `Expected a header name and value without control or wide characters, but '${name}' has some`);
    headers[lower] = text;
  }
  return headers;
};

const bodyOf = (body: Json | undefined, headers: Record<string, string>): string | undefined => {
  if (body === undefined) return undefined;
  if (typeof body === 'string') return body;
  headers['content-type'] ??= 'application/json';
  return JSON.stringify(body);
};

const authOf = async (auth: Json | undefined, context: Pick<NodeContext, 'secrets' | 'conceal'>): Promise<Record<string, string>> => {
  if (!isObject(auth)) return {};
  const secret = await context.secrets(asText(auth.secret ?? ''));
  const headers = authHeader(asText(auth.type ?? 'bearer'), secret, asText(auth.header ?? ''));
  for (const value of Object.values(headers))
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
      throw terminal('http_invalid', `Expected secret '${asText(auth.secret ?? '')}' to fit into a header, but it holds characters that don't`);
  return headers;

  function authHeader(type: string, value: string, header: string): Record<string, string> {
    if (type === 'header') return { [header.toLowerCase()]: value };
    if (type === 'bearer') return { authorization: `Bearer ${value}` };
    const encoded = Buffer.from(value, 'utf8').toString('base64');
    context.conceal(encoded);
    context.conceal(value.slice(value.indexOf(':') + 1));
    return { authorization: `Basic ${encoded}` };
  }
};

const isObject = (value: Json | undefined): value is { [member: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value);
const asText = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

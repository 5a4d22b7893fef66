import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Json } from '@runlog/execution';
import type { Dispatcher } from 'undici';
import { terminal } from '../kinds/node-kind.js';
import { parseBounded } from '../plain-json.js';

/** A body may have at most this many bytes, also after decompression. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

const decoders: Record<string, () => Transform> = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate, br: createBrotliDecompress };

/** The text of a response's body, in UTF-8. @throws NodeFailure `http_too_large` */
export const textOf = async ({ body, headers }: Dispatcher.ResponseData): Promise<string> => {
  const tooLarge = () => terminal('http_too_large', `Expected a response of at most ${MAX_BODY_BYTES} bytes, but it has more`);
  const stream: Readable = decoded(body, String(headers['content-encoding'] ?? '').toLowerCase());
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    if (Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) throw tooLarge();
      chunks.push(chunk);
    }
  } finally {
    body.on('error', () => undefined).destroy();
  }
  return Buffer.concat(chunks).toString('utf8');
};

const decoded = (body: Readable, encoding: string): Readable => {
  const decoder = decoders[encoding]?.();
  if (!decoder) return body;
  body.on('error', (error) => decoder.destroy(error));
  return body.pipe(decoder);
};

/** A body as the config's `response` wants it; `auto` takes the content type's word and falls back to text. @throws NodeFailure `http_invalid_json` */
export const bodyAs = (wanted: Json | undefined, text: string, contentType: string): Json => {
  const isJson = /[/+]json\b/i.test(contentType);
  if (wanted === 'text' || (wanted !== 'json' && !isJson)) return text;
  if (text === '' && wanted !== 'json') return null;
  try {
    return parseBounded(text);
  } catch (error) {
    if (wanted !== 'json') return text;
    throw terminal('http_invalid_json', `Expected a response in JSON, but ${(error as Error).message}`);
  }
};

/** Response headers by lower-case name; repeated ones are joined with a comma. */
export const headersAsJson = (headers: Dispatcher.ResponseData['headers']): { [name: string]: Json } =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]));

/** Milliseconds that a `Retry-After` header asks to wait, given in seconds or as a date; at most an hour. */
export const retryAfterMs = (value: unknown, now: number): number | undefined => {
  if (typeof value !== 'string') return undefined;
  const wait = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), 3_600_000) : undefined;
};

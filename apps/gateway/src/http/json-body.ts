import type { IncomingMessage } from 'node:http';
import type { Json } from '@runlog/execution';
import { invalid, Problem } from './problem.js';

/** A body may have at most this many bytes, unless it may carry an input or an answer. */
const BODY_LIMIT = 1024 * 1024;
/** More than the limit is still read up to so much. */
const DRAIN_BYTES = 32 * 1024 * 1024;
const DEPTH_LIMIT = 128;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Marks a DTO whose input or answer may be as large as the setting says. */
export const LARGE = Symbol('large');

/** Bytes of the body of a request that may carry an input or an answer. */
export class BodyLimit {
  constructor(private readonly largeBytes: number) {}

  of(dto: object): number {
    return LARGE in dto ? Math.max(BODY_LIMIT, this.largeBytes) : BODY_LIMIT;
  }
}

/** Reads a JSON body: 413, 415, 400 and 422 as problems. An empty body is an empty object. */
export const readJsonBody = async (request: IncomingMessage, limitBytes: number): Promise<Json> => {
  const bytes = await collect(request, limitBytes);
  if (bytes.length === 0) return {};
  requireJson(request.headers['content-type'], request.headers['content-encoding']);
  return parseJson(bytes);
};

/** Bytes to JSON that the product can keep: no `__proto__`, no NUL, no lone surrogate, not too deep, finite numbers. */
const parseJson = (bytes: Uint8Array): Json => {
  let value: Json;
  try {
    value = JSON.parse(utf8.decode(bytes)) as Json;
  } catch (error) {
    throw new Problem(
      'malformed',
      'malformed_json',
      `Expected a JSON body in UTF-8, but it cannot be read: ${error instanceof SyntaxError ? error.message : 'its bytes are not UTF-8'}`,
    );
  }
  if (!isUsable(value, 1)) inspect(value);
  return value;
};

/** A body that is larger is still read to its end, up to a bound, because clients look at the answer only after they have sent. */
const collect = (request: IncomingMessage, limitBytes: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const tooLarge = () =>
      new Problem('too_large', 'body_too_large', `Expected a body of at most ${limitBytes} bytes, but it has ${size > limitBytes ? 'more' : request.headers['content-length']}`, {
        headers: size > limitBytes + DRAIN_BYTES ? { Connection: 'close' } : {},
      });
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limitBytes) chunks.push(chunk);
      else chunks.length = 0;
      if (size > limitBytes + DRAIN_BYTES) {
        request.off('data', onData);
        reject(tooLarge());
      }
    };
    request.on('data', onData);
    request.once('end', () => (size > limitBytes ? reject(tooLarge()) : resolve(Buffer.concat(chunks))));
    request.once('error', reject);
    request.once('aborted', () => reject(new Problem('malformed', 'aborted', 'Expected the whole body, but the connection closed')));
  });

const requireJson = (type: string | undefined, encoding: string | undefined): void => {
  if (encoding !== undefined && encoding !== 'identity') throw new Problem('media_type', 'unsupported_encoding', `Expected a body without Content-Encoding, but got '${encoding}'`);
  if (type === undefined) return;
  const [media = '', ...parameters] = type
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters
    .find((part) => part.startsWith('charset='))
    ?.slice(8)
    .replaceAll('"', '');
  const isJson = media === 'application/json' || (media.startsWith('application/') && media.endsWith('+json'));
  if (!isJson || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8'))
    throw new Problem('media_type', 'unsupported_media_type', `Expected Content-Type 'application/json' in UTF-8, but got '${type}'`);
};

const isUsableText = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

/** Whether `inspect` would let it pass. */
const isUsable = (value: Json, depth: number): boolean => {
  if (typeof value === 'string') return isUsableText(value);
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  if (depth > DEPTH_LIMIT) return false;
  if (Array.isArray(value)) return value.every((one) => isUsable(one, depth + 1));
  return Object.keys(value).every((key) => key !== '__proto__' && isUsableText(key) && isUsable(value[key] as Json, depth + 1));
};

/** Throws a problem that points to what is wrong. */
const inspect = (root: Json): void => {
  const stack: { value: Json; pointer: string; depth: number }[] = [{ value: root, pointer: '', depth: 1 }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, pointer, depth } = next;
    if (typeof value === 'string') inspectText(value, pointer);
    else if (typeof value === 'number' && !Number.isFinite(value)) throw invalid([{ pointer, detail: 'Expected a number that a 64-bit float can hold' }], 'number_out_of_range');
    else if (typeof value === 'object' && value !== null) {
      if (depth > DEPTH_LIMIT) throw invalid([{ pointer: pointer.slice(0, 200), detail: `Expected at most ${DEPTH_LIMIT} levels of nesting` }], 'json_too_deep');
      for (const key of Object.keys(value)) {
        const below = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        if (key === '__proto__') throw invalid([{ pointer: below, detail: "Expected no key '__proto__'" }], 'forbidden_key');
        inspectText(key, below);
        stack.push({ value: (value as Record<string, Json>)[key] as Json, pointer: below, depth: depth + 1 });
      }
    }
  }
};

const inspectText = (text: string, pointer: string): void => {
  if (text.includes('\0')) throw invalid([{ pointer: pointer.replaceAll('\0', '\\u0000'), detail: 'Expected text without NUL' }], 'forbidden_character');
  if (!text.isWellFormed()) throw invalid([{ pointer: pointer.toWellFormed(), detail: 'Expected well-formed Unicode' }], 'forbidden_character');
};

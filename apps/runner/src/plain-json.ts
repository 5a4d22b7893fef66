import type { Json } from '@runlog/execution';

/** Deeper values break recursive readers further on; no real document is nearly as deep. */
export const MAX_DEPTH = 200;

/** Whether JSON text nests deeper than `MAX_DEPTH`; linear, without recursion. */
export const isTooDeep = (text: string): boolean => {
  if (text.length <= MAX_DEPTH * 2) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x22) for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) i += text.charCodeAt(i) === 0x5c ? 1 : 0;
    else if (char === 0x5b || char === 0x7b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (char === 0x5d || char === 0x7d) depth--;
  }
  return false;
};

/** Parses JSON that came from outside. @throws Error saying what is wrong with it */
export const parseBounded = (text: string): Json => {
  if (isTooDeep(text)) throw new Error(`it nests deeper than ${MAX_DEPTH} levels`);
  return JSON.parse(text) as Json;
};

/** In text that `JSON.stringify` made: what a database can't hold, or what poisons objects that are copied member by member. */
const needsCleaning = /__proto__|\\u(?:0000|d[89a-f])/;

/** The value as every reader can hold it: NUL and lone surrogates become U+FFFD (PostgreSQL refuses them), `__proto__` members are dropped. */
export const storable = (value: Json, text: string): Json => (needsCleaning.test(text) ? clean(value) : value);

const clean = (value: Json): Json => {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([name, member]) => (name === '__proto__' ? [] : [[cleanText(name), clean(member)]])));
};

export const cleanText = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed();

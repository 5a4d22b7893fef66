import { BoundedCache } from '../bounded-cache.js';
import type { Json } from '../definition.js';
import type { Scope, Seed } from '../scope.js';
import { evaluate } from './evaluate.js';

export interface Template {
  /** Text as it stands, or an expression and where it begins in the string. */
  readonly parts: readonly (string | { readonly expression: string; readonly at: number })[];
  /** Where a `{{` begins that nothing closes. */
  readonly unclosedAt?: number;
}

const cache = new BoundedCache<string, Template>(5000);

/** Divides a string at its `{{ expression }}`s. Braces, quotes and comments within an expression are its own. */
export const templateParts = (text: string): Template => cache.get(text, divide);

function divide(text: string): Template {
  const parts: Template['parts'][number][] = [];
  let from = 0;
  for (;;) {
    const open = text.indexOf('{{', from);
    if (open === -1) break;
    const close = closingOf(text, open + 2);
    if (close === -1) return { parts: [...parts, text.slice(from)], unclosedAt: open };
    if (open > from) parts.push(text.slice(from, open));
    const inside = text.slice(open + 2, close);
    parts.push({ expression: inside.trim(), at: open + 2 + (inside.length - inside.trimStart().length) });
    from = close + 2;
  }
  if (from < text.length) parts.push(text.slice(from));
  return { parts };
}

/** The index of the `}}` that ends the expression at `from`, or -1. */
function closingOf(text: string, from: number): number {
  let braces = 0;
  for (let index = from; index < text.length; index++) {
    const character = text[index];
    if (character === '"' || character === "'" || character === '`') {
      index = endOfQuote(text, index);
      if (index === -1) return -1;
    } else if (character === '/' && text[index + 1] === '*') {
      index = text.indexOf('*/', index + 2);
      if (index === -1) return -1;
      index++;
    } else if (character === '{') braces++;
    else if (character === '}') {
      if (braces > 0) braces--;
      else if (text[index + 1] === '}') return index;
    }
  }
  return -1;
}

function endOfQuote(text: string, open: number): number {
  for (let index = open + 1; index < text.length; index++) {
    if (text[index] === '\\' && text[open] !== '`') index++;
    else if (text[index] === text[open]) return index;
  }
  return -1;
}

/**
 * Replaces every `{{ expression }}` in the strings of `config`, at any depth; member names stay. A string that is exactly one
 * keeps the value's type; within other text null is '' and objects are JSON. Throws `ExpressionFailed`.
 */
export async function resolveTemplates(config: Json, scope: Scope, seed: Seed): Promise<Json> {
  return hasTemplate(config) ? resolve(config, scope, seed, '') : config;
}

const hasTemplate = (value: Json): boolean =>
  typeof value === 'string' ? value.includes('{{') : typeof value === 'object' && value !== null && Object.values(value).some(hasTemplate);

/** `path` goes into the seed, so that two places with the same expression draw different random numbers. */
async function resolve(value: Json, scope: Scope, seed: Seed, path: string): Promise<Json> {
  if (typeof value === 'string') return value.includes('{{') ? resolveText(value, scope, seed, path) : value;
  if (typeof value !== 'object' || value === null || !hasTemplate(value)) return value;
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const [index, item] of value.entries()) items.push(await resolve(item, scope, seed, `${path}/${index}`));
    return items;
  }
  const members: { [key: string]: Json } = {};
  for (const [key, member] of Object.entries(value)) members[key] = await resolve(member, scope, seed, `${path}/${key}`);
  return members;
}

/**
 * Resolves a URL whose templates name values that nobody has vouched for: within other text each is percent-encoded, so that it can be neither a further
 * segment nor a query; a URL that is one template takes it as it is. Throws `ExpressionFailed`.
 */
export async function resolveUrl(text: string, scope: Scope, seed: Seed): Promise<Json> {
  return resolveText(text, scope, seed, '', (value) => encodeURIComponent(written(value).toWellFormed()));
}

async function resolveText(text: string, scope: Scope, seed: Seed, path: string, write: (value: Json) => string = written): Promise<Json> {
  const { parts } = templateParts(text);
  const [only] = parts;
  if (parts.length === 1 && only !== undefined && typeof only !== 'string') return evaluate(only.expression, scope, { ...seed, commandId: `${seed.commandId}${path}` });
  let resolved = '';
  for (const [index, part] of parts.entries())
    resolved += typeof part === 'string' ? part : write(await evaluate(part.expression, scope, { ...seed, commandId: `${seed.commandId}${path}#${index}` }));
  return resolved;
}

const written = (value: Json): string => (value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

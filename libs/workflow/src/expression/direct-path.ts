import type { Json } from '../definition.js';
import type { Scope } from '../scope.js';

/** The names of an expression that is a plain path, `nodes.fetch.body`; null for any other. */
export function directPath(text: string): readonly string[] | null {
  if (!/^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/.test(text)) return null;
  const names = text.split('.');
  return names.some((name) => words.has(name)) ? null : names;
}

/** What JSONata reads as an operator, a value or a function rather than a name. */
const words = new Set(['and', 'or', 'in', 'true', 'false', 'null', 'function']);

/**
 * What JSONata would give for the path, without evaluating it; undefined when there is none. `null` as a whole: an array is on the
 * way, which JSONata maps over, or something that it would take for a function.
 */
export function follow(path: readonly string[], scope: Scope): { readonly value: Json | undefined } | null {
  let value: Json | undefined = scope as unknown as Json;
  for (const name of path) {
    if (Array.isArray(value) || (typeof value === 'object' && value !== null && ('_jsonata_lambda' in value || '_jsonata_function' in value))) return null;
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return { value: undefined };
    value = (value as { readonly [member: string]: Json })[name];
  }
  return { value };
}

import type { Json } from '../definition.js';
import type { Problem } from '../problem.js';
import { type Check, checkOf } from './compiled-schema.js';
import { problemsOf } from './schema-problems.js';

/** Problems of `value` by a JSON Schema (2020-12), at most 100; none: it is valid. Schemas are compiled once. A schema that can't be used is itself the problem. */
export function validateJson(schema: Json, value: Json): Problem[] {
  let check: Check;
  try {
    check = checkOf(schema);
  } catch (error) {
    return [{ pointer: '', detail: `Expected a schema that can be used, but ${(error as Error).message}` }];
  }
  try {
    return problemsOf(check(value));
  } catch {
    return [{ pointer: '', detail: 'Expected a value that its schema can check in bounded time, but the schema refers to itself too often' }];
  }
}

import type { Json } from '../definition.js';
import { type Problem, pointerTo } from '../problem.js';
import { checkOf, schemaErrors } from './compiled-schema.js';
import { problemsOf, shown } from './schema-problems.js';

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';
const MAX_CHARACTERS = 65_536;
const MAX_DEPTH = 32;

/** What is wrong with a JSON Schema that somebody gave: pointers begin with `pointer`, where it stands. */
export function checkSchema(schema: Json, pointer: string): Problem[] {
  if (typeof schema === 'boolean') return [];
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return [{ pointer, detail: 'Expected a JSON Schema: an object or a boolean' }];
  const size = JSON.stringify(schema).length;
  if (size > MAX_CHARACTERS) return [{ pointer, detail: `Expected a JSON Schema of at most ${MAX_CHARACTERS} characters, but it has ${size}` }];
  const problems: Problem[] = [];
  if (!visit(schema, pointer, 0, problems)) return [{ pointer, detail: `Expected a JSON Schema of at most ${MAX_DEPTH} levels, but it has more` }];
  if (schema.$schema !== undefined && schema.$schema !== DRAFT)
    problems.push({ pointer: pointerTo(pointer, '$schema'), detail: `Expected '${DRAFT}', but got ${shown(schema.$schema)}`, suggestion: DRAFT });
  if (problems.length > 0) return problems;
  const invalid = new Map<string, Problem>();
  for (const problem of problemsOf(schemaErrors(schema))) if (!invalid.has(problem.pointer)) invalid.set(problem.pointer, { ...problem, pointer: pointer + problem.pointer });
  if (invalid.size > 0) return [...invalid.values()];
  try {
    checkOf(schema);
    return [];
  } catch (error) {
    return [{ pointer, detail: `Expected a JSON Schema (2020-12), but ${(error as Error).message}` }];
  }
}

/** False: too deep. References lead nowhere but into the schema itself. */
function visit(value: Json, pointer: string, depth: number, problems: Problem[]): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depth > MAX_DEPTH) return false;
  for (const [key, member] of Object.entries(value)) {
    if ((key === '$ref' || key === '$dynamicRef') && typeof member === 'string' && !member.startsWith('#'))
      problems.push({ pointer: pointerTo(pointer, key), detail: `Expected a reference within the schema ('#/$defs/...'), but got '${member.slice(0, 100)}'` });
    if (!visit(member, pointerTo(pointer, key), depth + 1, problems)) return false;
  }
  return true;
}

import type { ErrorObject } from 'ajv/dist/2020.js';
import type { Json } from '../definition.js';
import { ONE_TEMPLATE } from '../kinds/kind.js';
import { nearest } from '../nearest.js';
import { type Problem, pointerTo } from '../problem.js';

const MAX_PROBLEMS = 100;

/** Keywords that only repeat what their parts have said. */
const echoes = new Set(['if', 'allOf', '$ref', 'propertyNames']);

/** Errors of ajv as problems that a person can act on. */
export function problemsOf(errors: readonly ErrorObject[]): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const error of errors) {
    if (echoes.has(error.keyword)) continue;
    const problem = problemOf(error);
    const identity = `${problem.pointer}\n${problem.detail}`;
    if (seen.has(identity)) continue;
    seen.add(identity);
    problems.push(problem);
    if (problems.length === MAX_PROBLEMS) break;
  }
  return problems;
}

function problemOf(error: ErrorObject): Problem {
  const { keyword, params, instancePath: pointer, parentSchema } = error;
  switch (keyword) {
    case 'required':
      return { pointer: pointerTo(pointer, params.missingProperty), detail: `Expected a member '${params.missingProperty}', but it is missing` };
    case 'dependentRequired':
      return { pointer: pointerTo(pointer, params.missingProperty), detail: `Expected a member '${params.missingProperty}' beside '${params.property}', but it is missing` };
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name: string = params.additionalProperty ?? params.unevaluatedProperty;
      const known = Object.keys((parentSchema?.properties as object | undefined) ?? {});
      const problem = { pointer: pointerTo(pointer, name), detail: `Expected ${known.length > 0 ? `only ${list(known)}` : 'no members'}, but got '${name}'` };
      const meant = nearest(name, known);
      return meant === undefined ? problem : { ...problem, suggestion: meant };
    }
    case 'type':
      return { pointer, detail: `Expected ${article([params.type].flat().map(String))}, but got ${kindOf(error.data)}` };
    case 'enum': {
      const allowed = (params.allowedValues as Json[]).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
      const problem = { pointer, detail: `Expected ${allowed.length > 1 ? 'one of ' : ''}${list(allowed)}, but got ${shown(error.data)}` };
      const meant = typeof error.data === 'string' ? nearest(error.data, allowed) : undefined;
      return meant === undefined ? problem : { ...problem, suggestion: meant };
    }
    case 'const':
      return { pointer, detail: `Expected ${shown(params.allowedValue)}, but got ${shown(error.data)}` };
    case 'pattern':
      if (params.pattern === ONE_TEMPLATE) return { pointer, detail: `Expected a number or one {{ expression }}, but got ${shown(error.data)}` };
      return { pointer, detail: `Expected text that matches ${params.pattern}, but got ${shown(error.propertyName ?? error.data)}` };
    case 'format':
      return { pointer, detail: `Expected text in the format '${params.format}', but got ${shown(error.data)}` };
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return { pointer, detail: `Expected a number ${params.comparison} ${params.limit}, but got ${shown(error.data)}` };
    case 'multipleOf':
      return { pointer, detail: `Expected a multiple of ${params.multipleOf}, but got ${shown(error.data)}` };
    case 'minLength':
    case 'maxLength':
      return { pointer, detail: `Expected at ${keyword === 'minLength' ? 'least' : 'most'} ${count(params.limit, 'character')}, but got ${[...String(error.data)].length}` };
    case 'minItems':
    case 'maxItems':
      return { pointer, detail: `Expected at ${keyword === 'minItems' ? 'least' : 'most'} ${count(params.limit, 'item')}, but got ${(error.data as Json[]).length}` };
    case 'minProperties':
    case 'maxProperties':
      return {
        pointer,
        detail: `Expected at ${keyword === 'minProperties' ? 'least' : 'most'} ${count(params.limit, 'member')}, but got ${Object.keys(error.data as object).length}`,
      };
    case 'uniqueItems':
      return { pointer, detail: 'Expected each item once, but some are there twice' };
    case 'not':
      return { pointer, detail: `Expected a value that the schema's 'not' does not describe, but got ${shown(error.data)}` };
    case 'oneOf':
    case 'anyOf':
      return { pointer, detail: `Expected a value that ${keyword === 'oneOf' ? 'exactly one' : 'at least one'} of the alternatives describes, but got ${shown(error.data)}` };
    case 'false schema':
      return { pointer, detail: 'Expected nothing here' };
    default:
      return { pointer, detail: `Expected a value that ${error.message ?? `'${keyword}' allows`}` };
  }
}

const list = (names: readonly string[]): string =>
  names
    .slice(0, 30)
    .map((name) => `'${name}'`)
    .join(', ') + (names.length > 30 ? ', ...' : '');
const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;
const article = (types: readonly string[]): string => types.map((type) => (type === 'null' ? 'null' : /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)).join(' or ');
const kindOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'an array' : article([typeof value]));

/** A value as short as a sentence can bear. */
export function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return kindOf(value);
  const text = typeof value === 'string' ? `'${value}'` : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

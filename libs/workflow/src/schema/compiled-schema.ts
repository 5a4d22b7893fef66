import { Ajv2020, type AnySchema, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { BoundedCache } from '../bounded-cache.js';
import { canonical } from '../canonical.js';
import type { Json } from '../definition.js';
import { compileLinear } from '../expression/linear-regex.js';

/** Gives the errors of a value, [] when it is valid. Throws when checking it takes too many steps. */
export type Check = (value: unknown) => readonly ErrorObject[];

const MAX_STEPS = 300_000;
const STEP = 'x-runlog-step';
let steps = 0;

/** Ajv tells engines apart by `toString`, so that must name the pattern. */
const linearEngine = (pattern: string, flags: string) => {
  const compiled = compileLinear(pattern, flags);
  return { test: (text: string) => compiled.matcher(text).find(), toString: () => `linear ${flags} ${pattern}` };
};

const ajv = new Ajv2020({
  allErrors: true,
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  allowUnionTypes: true,
  logger: false,
  verbose: true,
  code: { regExp: Object.assign(linearEngine, { code: 'linearEngine' }) },
});
addFormats.default(ajv);
// Ajv compares every item with every other; a set of canonical texts is linear.
ajv.removeKeyword('uniqueItems');
ajv.addKeyword({
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  validate: (wanted: boolean, items: unknown[]) => !wanted || new Set(items.map(canonical)).size === items.length,
});
ajv.addKeyword({
  keyword: STEP,
  validate: () => {
    if (++steps > MAX_STEPS) throw new RangeError('too many steps');
    return true;
  },
});

const byIdentity = new WeakMap<object, Check>();
const byText = new BoundedCache<string, Check>(1000);

/** The check of a schema, compiled once. Throws an error that says why the schema can't be used. */
export function checkOf(schema: Json): Check {
  if (typeof schema !== 'object' || schema === null) return compileSchema(schema);
  let check = byIdentity.get(schema);
  if (check === undefined) {
    check = byText.get(JSON.stringify(schema), () => compileSchema(schema));
    byIdentity.set(schema, check);
  }
  return check;
}

function compileSchema(schema: Json): Check {
  if (typeof schema !== 'boolean' && (typeof schema !== 'object' || schema === null || Array.isArray(schema))) throw new Error('it is neither an object nor a boolean');
  return compiled(counted(schema));
}

/** The check of a schema of our own: without a limit on its steps. */
export const trustedCheck = (schema: Json): Check => compiled(schema);

function compiled(schema: Json): Check {
  try {
    const validate = ajv.compile(schema as AnySchema);
    return (value) => {
      steps = 0;
      return validate(value) ? [] : (validate.errors ?? []);
    };
  } catch (error) {
    throw error instanceof RangeError ? new Error('it refers to itself without an end') : error;
  } finally {
    if (typeof schema === 'object') ajv.removeSchema(schema as AnySchema);
  }
}

/** What is wrong with a schema by the schema of schemas. */
export function schemaErrors(schema: Json): readonly ErrorObject[] {
  return ajv.validateSchema(schema as AnySchema) ? [] : (ajv.errors ?? []);
}

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const one = new Set(['not', 'if', 'then', 'else', 'items', 'contains', 'additionalProperties', 'propertyNames', 'unevaluatedItems', 'unevaluatedProperties', 'contentSchema']);
const many = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const named = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

/**
 * The schema with a step counter in each of its parts, so that parts that refer to each other end in time, and without the
 * names that would make it known to other schemas.
 */
function counted(schema: Json): Json {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema;
  const copy: { [keyword: string]: Json } = { [STEP]: true };
  for (const [keyword, value] of Object.entries(schema)) {
    if (one.has(keyword)) copy[keyword] = counted(value);
    else if (many.has(keyword) && Array.isArray(value)) copy[keyword] = value.map(counted);
    else if (named.has(keyword) && typeof value === 'object' && value !== null && !Array.isArray(value))
      copy[keyword] = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, counted(part)]));
    else if (keyword !== '$id') copy[keyword] = value;
  }
  return copy;
}

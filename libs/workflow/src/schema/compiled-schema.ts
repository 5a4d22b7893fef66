import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { BoundedCache } from '../bounded-cache.js';
import type { Json } from '../definition.js';
import { compileLinear } from '../expression/linear-regex.js';

/** Gives the errors of a value, [] when it is valid. Throws when checking it takes too many steps. */
export type Check = (value: unknown) => readonly ErrorObject[];

const MAX_STEPS = 1_000_000;
const STEP = 'x-runlog-step';
let steps = 0;

const regexEngine = Object.assign((pattern: string, flags: string) => ({ test: (text: string) => compileLinear(pattern, flags).matcher(text).find() }), {
  code: 'linearRegex',
});

const ajv = new Ajv2020({
  allErrors: true,
  strict: true,
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  allowUnionTypes: true,
  addUsedSchema: false,
  validateFormats: true,
  logger: false,
  verbose: true,
  code: { regExp: regexEngine },
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

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member) ? Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)) : [member],
  );

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
  const validate = ajv.compile(typeof schema === 'boolean' ? schema : (counted(schema) as object));
  return (value) => {
    steps = 0;
    return validate(value) ? [] : (validate.errors ?? []);
  };
}

/** Keywords whose value is a schema, a list of schemas, or schemas by name. */
const one = new Set(['not', 'if', 'then', 'else', 'items', 'contains', 'additionalProperties', 'propertyNames', 'unevaluatedItems', 'unevaluatedProperties', 'contentSchema']);
const many = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const named = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

/** The schema with a step counter in each of its parts, so that parts that refer to each other end in time. */
function counted(schema: Json): Json {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return schema;
  const copy: { [keyword: string]: Json } = { [STEP]: true };
  for (const [keyword, value] of Object.entries(schema)) {
    if (one.has(keyword)) copy[keyword] = counted(value);
    else if (many.has(keyword) && Array.isArray(value)) copy[keyword] = value.map(counted);
    else if (named.has(keyword) && typeof value === 'object' && value !== null && !Array.isArray(value))
      copy[keyword] = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, counted(part)]));
    else copy[keyword] = value;
  }
  return copy;
}

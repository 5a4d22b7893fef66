import type { Json } from '@runlog/execution';
import { checkSchema } from '@runlog/workflow';

type Members = { readonly [member: string]: Json };

/** What a server's schema may hold beside what we know is dropped when it can't be used otherwise. */
const known = new Set(
  (
    'type properties required additionalProperties items prefixItems enum const anyOf oneOf allOf not description title default examples minimum maximum ' +
    'exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength minItems maxItems uniqueItems minProperties maxProperties propertyNames $defs definitions $ref'
  ).split(' '),
);
const named = new Set(['properties', '$defs', 'definitions']);
const verbatim = new Set(['enum', 'const', 'default', 'examples', 'required', 'type']);

/** The schema that a server gives for its arguments, as far as it can be checked here: without what is unknown to us, at worst any object. */
export const usableSchema = (given: Json): Json => {
  const { $schema: _draft, $id: _id, ...schema } = typeof given === 'object' && given !== null && !Array.isArray(given) ? given : { type: 'object' };
  const whole: Members = { ...schema, type: 'object' };
  return [whole, plain(whole)].find((one) => checkSchema(one, '').length === 0) ?? { type: 'object' };
};

const plain = (schema: Json): Json => {
  if (Array.isArray(schema)) return schema.map(plain);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([keyword]) => known.has(keyword));
  return Object.fromEntries(kept.map(([keyword, value]) => [keyword, verbatim.has(keyword) ? value : named.has(keyword) ? eachOf(value) : plain(value)]));
};

const eachOf = (members: Json): Json =>
  typeof members === 'object' && members !== null && !Array.isArray(members) ? Object.fromEntries(Object.entries(members).map(([name, one]) => [name, plain(one)])) : members;

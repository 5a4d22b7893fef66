/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type Schema = { readonly [keyword: string]: unknown };

export const text: Schema = { type: 'string' };
export const textOrNull: Schema = { type: ['string', 'null'] };
export const time: Schema = { type: 'string', format: 'date-time' };
export const timeOrNull: Schema = { type: ['string', 'null'], format: 'date-time' };
export const count: Schema = { type: 'integer', minimum: 0 };
export const countOrNull: Schema = { type: ['integer', 'null'], minimum: 0 };
export const id: Schema = { type: 'string', format: 'uuid' };
export const idOrNull: Schema = { type: ['string', 'null'], format: 'uuid' };
export const nanoUsd: Schema = { type: 'string', pattern: '^[0-9]+$', description: 'Nano-USD, exact' };
/** Any JSON value. */
export const json: Schema = {};
export const jsonObject: Schema = { type: 'object', additionalProperties: true };

export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
export const arrayOf = (items: Schema): Schema => ({ type: 'array', items });
export const mapOf = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
export const oneOfWords = (words: readonly string[]): Schema => ({ type: 'string', enum: [...words] });
export const orNull = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });

/** Every member is always there unless it is named as optional. */
export const object = (properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

/** A page of a list, as every list answers. */
export const listOf = (items: Schema): Schema =>
  object(
    {
      object: { const: 'list' },
      data: arrayOf(items),
      has_more: { type: 'boolean' },
      next_cursor: { ...textOrNull, description: 'Pass it as `after`' },
      prev_cursor: { ...textOrNull, description: 'Pass it as `before`' },
      meta: ref('PageMeta'),
    },
    ['meta'],
  );

/** A JSON Schema as `docs/events` has them. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: { readonly [member: string]: Schema };
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
}

export interface Schemas {
  readonly types: { readonly [type: string]: Schema };
  readonly definitions: { readonly [name: string]: Schema };
}

/** What a reader of the released schema would trip over in events of the present one: `<where>: <what>`. */
export const breaks = (released: Schemas, present: Schemas): string[] => {
  const found: string[] = [];
  const followed = new Set<string>();
  const resolve = (schema: Schema, { definitions }: Schemas): Schema => {
    const name = schema.$ref?.replace('#/definitions/', '');
    return name === undefined ? schema : resolve(definitions[name] ?? {}, { definitions, types: {} });
  };
  const words = (schema: Schema): string[] => [
    ...(schema.const === undefined ? [] : [JSON.stringify(schema.const)]),
    ...(schema.enum ?? []).map((one) => JSON.stringify(one)),
    ...(schema.const === undefined && schema.enum === undefined ? [schema.type ?? []].flat() : []),
  ];
  const alternatives = (schema: Schema, of: Schemas): Schema[] => {
    const resolved = resolve(schema, of);
    return resolved.anyOf ? resolved.anyOf.flatMap((one) => alternatives(one, of)) : [resolved];
  };
  const compare = (before: Schema, after: Schema, where: string): void => {
    const pair = before.$ref && after.$ref && `${before.$ref} ${after.$ref}`;
    if (pair && followed.has(pair)) return;
    if (pair) followed.add(pair);
    const [olds, news] = [alternatives(before, released), alternatives(after, present)];
    const known = olds.flatMap(words);
    const isKnown = (word: string): boolean =>
      known.includes(word) || (word.startsWith('"') && known.includes('string')) || (['true', 'false'].includes(word) && known.includes('boolean'));
    for (const word of news.flatMap(words)) if (!isKnown(word)) found.push(`${where}: may be ${word} now, which it never was`);
    const [old, fresh] = [olds.find(({ properties }) => properties), news.find(({ properties }) => properties)];
    if (!old?.properties) return;
    for (const [member, schema] of Object.entries(old.properties)) {
      const now = fresh?.properties?.[member];
      if (!now) found.push(`${where}.${member}: is gone`);
      else {
        if (old.required?.includes(member) && !fresh?.required?.includes(member)) found.push(`${where}.${member}: may be missing now`);
        compare(schema, now, `${where}.${member}`);
      }
    }
    if (old.items && fresh?.items) compare(old.items, fresh.items, `${where}[]`);
  };
  for (const [type, schema] of Object.entries(released.types)) {
    const now = present.types[type];
    if (now) compare(schema, now, type);
    else found.push(`${type}: is gone`);
  }
  return found;
};

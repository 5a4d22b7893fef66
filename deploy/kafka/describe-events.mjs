// `npm run asyncapi`: what other services may rely on in `execution-events`, from the types that the services themselves use.
// Writes docs/events/<Type>.v1.json (JSON Schema of an event's data) and docs/asyncapi.json (AsyncAPI 3).
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createGenerator } from 'ts-json-schema-generator';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const read = async (path) => JSON.parse(await readFile(join(root, path), 'utf8'));

/** Every published shape is version 1: a new meaning is a new type. */
const VERSION = 1;

const text = (description, more = {}) => ({ type: 'string', description, ...more });
const headers = {
  type: 'object',
  description: 'CloudEvents attributes in the binary mode of its Kafka binding, and what makes the chain. All values are UTF-8 text.',
  required: [
    'ce_specversion',
    'ce_id',
    'ce_type',
    'ce_source',
    'ce_subject',
    'ce_time',
    'ce_version',
    'ce_schemaversion',
    'ce_claim',
    'ce_previous',
    'ce_commandid',
    'ce_commandoffset',
    'ce_workspace',
  ],
  properties: {
    ce_specversion: text('CloudEvents 1.0', { const: '1.0' }),
    ce_id: text('Chain hash of the event, 64 hexadecimal digits; unique.', { pattern: '^[0-9a-f]{64}$' }),
    ce_type: text('The event type.'),
    ce_source: text('`/workspaces/<workspace id>`'),
    ce_subject: text('Execution id, as the key of the record.', { format: 'uuid' }),
    ce_time: text('When it was decided, RFC 3339 in UTC with milliseconds.', { format: 'date-time' }),
    ce_version: text('1, 2, 3 ... per execution, without a gap.', { pattern: '^[1-9][0-9]*$' }),
    ce_schemaversion: text('Version of the shape of the data.', { pattern: '^[1-9][0-9]*$' }),
    ce_claim: text('Offset of the claim that it was written under: it counts only if that is the last claim before it in its partition.', { pattern: '^[0-9]+$' }),
    ce_previous: text('ce_id of the event before it; empty for version 1.', { pattern: '^([0-9a-f]{64})?$' }),
    ce_commandid: text('The command that caused it.'),
    ce_commandoffset: text('Offset of that command in the same partition of `execution-commands`.', { pattern: '^[0-9]+$' }),
    ce_workspace: text('Workspace id.'),
    ce_more: text('`1`: more events of the same command follow.', { const: '1' }),
    traceparent: text('W3C Trace Context.'),
  },
};

/** The schemas of the types, with the definitions that they share. `strict`: no member that is not described. */
export function eventSchemas({ strict = false } = {}) {
  const generator = createGenerator({
    path: join(root, 'libs/execution/src/events.ts'),
    tsconfig: join(root, 'tsconfig.base.json'),
    type: 'EventData',
    skipTypeCheck: true,
    expose: 'all',
    topRef: true,
    jsDoc: 'extended',
  });
  const { definitions } = generator.createSchema('EventData');
  /** Names of types that mean nothing outside: their content stands where they are named. */
  const inlined = Object.fromEntries(Object.entries(definitions).filter(([name]) => name.includes('<')));
  const tidy = (value) => {
    if (Array.isArray(value)) return value.map(tidy);
    if (typeof value !== 'object' || value === null) return value;
    const ref = value.$ref && decodeURIComponent(value.$ref.replace('#/definitions/', ''));
    if (inlined[ref]) return tidy({ ...inlined[ref], description: value.description });
    const { additionalProperties, ...rest } = value;
    const isOpen = additionalProperties === false || additionalProperties?.not;
    const kept = additionalProperties === undefined || (isOpen && !strict) ? {} : { additionalProperties: isOpen ? false : tidy(additionalProperties) };
    return {
      ...Object.fromEntries(
        Object.entries(rest).flatMap(([key, member]) =>
          member === undefined ? [] : [[key, key === 'description' && typeof member === 'string' ? member.replace(/\s*\n\s*/g, ' ') : tidy(member)]],
        ),
      ),
      ...kept,
    };
  };
  const { EventData, ...shared } = definitions;
  const names = Object.keys(shared).filter((name) => !(name in inlined));
  return { types: tidy(EventData.properties), definitions: Object.fromEntries(names.map((name) => [name, tidy(shared[name])])) };
}

/** Every reference below a schema, also through the definitions it leads to. */
const referred = (schema, definitions, found = new Set()) => {
  for (const [, name] of JSON.stringify(schema).matchAll(/"#\/definitions\/([^"]+)"/g)) {
    if (found.has(name)) continue;
    found.add(name);
    referred(definitions[name], definitions, found);
  }
  return found;
};

/** One schema that stands alone. */
const alone = (type, { types, definitions }) => {
  const needed = [...referred(types[type], definitions)].sort();
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: `urn:runlog:event:${type}:${VERSION}`,
    title: `${type}, version ${VERSION}`,
    ...types[type],
    ...(needed.length > 0 && { definitions: Object.fromEntries(needed.map((name) => [name, definitions[name]])) }),
  };
};

const asyncapi = async ({ types, definitions }) => {
  const { version, license } = await read('package.json');
  const topics = await read('deploy/kafka/topics.json');
  const topic = topics['execution-events'];
  const inComponents = (value) => JSON.parse(JSON.stringify(value).replaceAll('#/definitions/', '#/components/schemas/'));
  const names = Object.keys(types);
  const message = (type) => ({
    name: type,
    title: type,
    ...(types[type].description && { summary: types[type].description }),
    contentType: 'application/json',
    headers: { $ref: '#/components/schemas/EventHeaders' },
    payload: { $ref: `#/components/schemas/${type}Data` },
    bindings: { kafka: { key: { type: 'string', format: 'uuid', description: `The ${topic.key}.` }, bindingVersion: '0.5.0' } },
  });
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'Runlog: execution events',
      version,
      license: { name: license },
      description: [
        'Every fact about an execution, in order, for ever. All events of one execution are in one partition, `ce_version` 1, 2, 3 ... without a gap.',
        '**The claim rule.** Read each partition from its beginning (or from a stored pair of offset and claim). A record whose `ce_type` is `Claim` puts its own offset in force. An event counts only if `ce_claim` is the claim in force; skip every other one: it was written by an owner that had been replaced.',
        'Ignore members that you do not know. A published shape never changes but by optional members; a new meaning is a new type, and an event type that you do not know is no error.',
        'A member that is null beside `<member>_ref` is a body over 64 KiB: `GET /api/v1/executions/{execution_id}/artifacts` has it.',
      ].join('\n\n'),
    },
    defaultContentType: 'application/json',
    servers: { brokers: { host: '{brokers}', protocol: 'kafka', variables: { brokers: { description: 'As in KAFKA_BROKERS.', default: 'localhost:9092' } } } },
    channels: {
      'execution-events': {
        address: 'execution-events',
        description: `Key: ${topic.key}. Written by ${topic.writers.join(', ')} alone. Kept for ever.`,
        messages: Object.fromEntries([...names, 'Claim'].map((name) => [name, { $ref: `#/components/messages/${name}` }])),
        bindings: { kafka: { topicConfiguration: { 'cleanup.policy': ['delete'], 'retention.ms': topic.retentionMs }, bindingVersion: '0.5.0' } },
      },
    },
    operations: { receiveExecutionEvents: { action: 'receive', channel: { $ref: '#/channels/execution-events' }, summary: 'Follow all executions of an installation.' } },
    components: {
      messages: {
        ...Object.fromEntries(names.map((type) => [type, message(type)])),
        Claim: {
          name: 'Claim',
          title: 'Claim',
          summary: 'An owner takes the partition: its offset is the claim in force from here on. No value.',
          headers: {
            type: 'object',
            required: ['ce_specversion', 'ce_type', 'ce_source'],
            properties: { ce_specversion: headers.properties.ce_specversion, ce_type: text('Claim', { const: 'Claim' }), ce_source: text('`/owners/<owner>`') },
          },
          payload: { type: 'string', maxLength: 0 },
        },
      },
      schemas: {
        EventHeaders: headers,
        ...Object.fromEntries(names.map((type) => [`${type}Data`, inComponents(types[type])])),
        ...inComponents(definitions),
      },
    },
  };
};

/** The files as they should be: path below the repository -> text. */
export async function describeEvents() {
  const schemas = eventSchemas();
  const pretty = (value) => `${JSON.stringify(value, null, 2)}\n`;
  return {
    ...Object.fromEntries(Object.keys(schemas.types).map((type) => [`docs/events/${type}.v${VERSION}.json`, pretty(alone(type, schemas))])),
    'docs/asyncapi.json': pretty(await asyncapi(schemas)),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const files = await describeEvents();
  await mkdir(join(root, 'docs/events'), { recursive: true });
  for (const name of await readdir(join(root, 'docs/events'))) if (!files[`docs/events/${name}`]) await rm(join(root, 'docs/events', name));
  for (const [path, content] of Object.entries(files)) await writeFile(join(root, path), content);
  process.stdout.write(`Wrote ${Object.keys(files).length} files to docs/.\n`);
}

import { canonical } from '../dialects/canonical/canonical.js';
import { oneOfWords } from './json-schema.js';

const words = (list: readonly string[]) => ({ schema: { type: 'array', items: oneOfWords(list), minItems: 1 }, style: 'form', explode: false });
const zone = { type: 'string', format: 'iana-timezone', examples: ['Europe/Berlin'] };
const cursor = { type: 'string', format: 'cursor', minLength: 1, maxLength: 255 };
const key = (description: string) => ({ description, schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } });
const execution = { type: 'string', pattern: '^[A-Za-z0-9_-]{3,80}$', examples: ['payout_1'] };

/** What the parts of a path look like, by name. */
export const segments: Readonly<Record<string, object>> = {
  execution_id: { description: 'Id, KSUID, hashid or key', schema: execution },
  other: { description: 'Id, KSUID, hashid or key of the other one', schema: execution },
  workflow_id: key('Id, KSUID or key'),
  agent_id: key('Id, KSUID or key'),
  workspace_id: key('Id, KSUID or slug'),
  pod_id: key('Id, KSUID or slug'),
  wId: key('Workspace: id, KSUID or slug'),
  podId: key('Pod: id, KSUID or slug'),
  session_id: { description: 'As the executions name it', schema: { type: 'string', minLength: 1, maxLength: 255 } },
  node_id: { description: 'Id of a node of the workflow', schema: { type: 'string', pattern: '^[A-Za-z0-9_]{1,64}$' } },
  key_id: { description: 'Id of the key', schema: { type: 'string', format: 'uuid' } },
  version: { description: 'Number or id', schema: { type: 'string', pattern: '^[A-Za-z0-9-]{1,36}$' } },
  name: { description: 'Letters, digits, dots, dashes and underscores', schema: { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,64}$' } },
};

/** What queries and headers look like, by name; a member here wins over what a DTO says. */
export const parameters: Readonly<Record<string, object>> = {
  fields: { description: 'Only these members, by comma', ...words(canonical.fields) },
  expand: { description: 'In lists: also these members, by comma', ...words(Object.keys(canonical.parts)) },
  timezone: { description: 'IANA time zone of created_at and created_at_string; wins over the header', schema: zone },
  'Time-Zone': { description: "IANA time zone of created_at and created_at_string; default: the workspace's", schema: zone },
  wait: { description: 'Seconds to wait for the end, cut to 600; wins over Prefer', schema: { type: 'integer', minimum: 0 } },
  Prefer: { description: '`wait=<seconds>`; other preferences are ignored', schema: { type: 'string', examples: ['wait=30'] } },
  'If-Match': { description: 'ETag of the version that it must stand at, or *', schema: { type: 'string', pattern: '^(\\*|(W/)?"[0-9]{1,15}(-[\\w-]*)?")$' } },
  'If-None-Match': { description: 'ETags that the caller has', schema: { type: 'string' } },
  'Last-Event-ID': { description: 'Id of the last frame that the client has; empty: none', schema: { type: 'string', pattern: '^([0-9]{1,15}(\\.[0-9]{1,9})?)?$' } },
  last_event_id: { description: 'As the Last-Event-ID header, which wins', schema: { type: 'string', pattern: '^[0-9]{1,15}(\\.[0-9]{1,9})?$' } },
  metadata: {
    description: '`metadata[key]=value`: a top-level scalar of the metadata; several must all hold',
    style: 'deepObject',
    explode: true,
    schema: { type: 'object', propertyNames: { minLength: 1 }, additionalProperties: { type: 'string' } },
  },
};

/** Of streams whose frames have plain numbers. */
export const frameNumbers: Readonly<Record<string, object>> = {
  'Last-Event-ID': { ...parameters['Last-Event-ID'], schema: { type: 'string', pattern: '^([0-9]{1,15})?$' } },
  last_event_id: { ...parameters.last_event_id, schema: { type: 'string', pattern: '^[0-9]{1,15}$' } },
};

/** Cursors of lists are opaque; those of histories are numbers, as their DTOs say. */
export const cursors: Readonly<Record<string, object>> = { after: { schema: cursor }, before: { schema: cursor } };

const text = (description: string, isAlways = false, example?: string) => ({
  description,
  ...(isAlways ? { required: true } : {}),
  schema: { type: 'string', ...(example === undefined ? {} : { examples: [example] }) },
});

/** Headers of answers. */
export const headers: Readonly<Record<string, object>> = {
  'X-Request-Id': text("The caller's own, else a new one", true),
  ETag: text('Version, and a hash of how it is shown', true, '"7-Zm9vYmFy"'),
  Location: text('Path of the execution', true),
  Link: text('`rel="next"` where more follows'),
  'Preference-Applied': text('The preference that was followed', false, 'wait=30'),
  'Idempotency-Replayed': text('`true` where the answer is that of an earlier request'),
  'Runlog-Lag-Ms': { description: 'How far the list may be behind, milliseconds', schema: { type: 'integer', minimum: 0 } },
  'Retry-After': { description: 'Seconds', required: true, schema: { type: 'integer', minimum: 1 } },
  'WWW-Authenticate': text('How to say who you are', true),
};

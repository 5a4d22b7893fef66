import type { OpenAPIObject } from '@nestjs/swagger';
import { problems } from '../http/responses.js';
import { bodyExamples, executionExample, problemExample } from './examples.js';
import { streamOf } from './frame-schemas.js';
import { cursors, frameNumbers, headers, parameters, segments } from './parameters.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Answer = { description?: string; content?: Record<string, object>; headers?: Record<string, object>; $ref?: string };

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
/** Bodies whose members are open, or are described beside. */
const OPEN_BODIES = new Set(['Definition']);

/** What decorators can't say: headers, examples, answers that are streams, bodies without unknown members, what parameters look like. */
export const amend = (document: OpenAPIObject): OpenAPIObject => {
  for (const [path, item] of Object.entries(document.paths)) {
    if (isAlias(path)) delete document.paths[path];
    else
      for (const method of methods) {
        const operation = item[method];
        if (!operation) continue;
        if (isOfDialect(path) || operation.operationId === 'runWorkflow')
          operation.parameters = operation.parameters?.filter((parameter) => !('name' in parameter && CANONICAL_NAMES.has(parameter.name)));
        amendOperation(operation, method);
        relaxBody(document, operation);
        if (isOfDialect(path)) openBody(operation);
      }
  }
  closeBodies(document);
  const problemAnswers = Object.fromEntries(Object.entries(problems).map(([status, description]) => [`Problem${status}`, problemAnswer(Number(status), description)]));
  document.components = {
    ...document.components,
    headers: headers as never,
    responses: problemAnswers as never,
  };
  return document;
};

/** Everything under `/workspaces` is there once more. */
const isAlias = (path: string): boolean => path.startsWith('/v1/workspaces/');

/** Routes that speak one dialect only. */
const isOfDialect = (path: string): boolean => /^\/(api\/(?!v1\/)|workspaces\/)/.test(path);

/** Parameters whose values are names of canonical members. */
const CANONICAL_NAMES = new Set(['fields', 'expand']);

/** Operations whose streams count their frames by plain numbers. */
const NUMBERED = new Set(['listEvents', 'listLogs', 'podsLogs']);

const amendOperation = (operation: Operation, method: string): void => {
  const id = operation.operationId ?? '';
  operation.security ??= [];
  const known = operation.parameters ?? [];
  for (const parameter of known) if ('name' in parameter) Object.assign(parameter, shapeOf(parameter), NUMBERED.has(id) ? frameNumbers[parameter.name] : undefined);
  // Named in the path first, then the query, then headers: the order in which people read them.
  const places = ['path', 'query', 'header'];
  operation.parameters = [...known].sort((a, b) => ('in' in a && 'in' in b ? places.indexOf(a.in) - places.indexOf(b.in) : 0));
  const answers = operation.responses as unknown as Record<string, Answer>;
  for (const [status, answer] of Object.entries(answers)) {
    if (Number(status) >= 400 && answer.content?.['application/problem+json']) answers[status] = { $ref: `#/components/responses/Problem${status}` };
    else amendAnswer(answer, Number(status), id, method);
  }
  const stream = streamOf(id);
  const whole = answers['200'];
  if (stream && whole) whole.content = { ...(id === 'streamExecution' ? {} : whole.content), 'text/event-stream': stream };
  if (id === 'listLogs' && whole) {
    whole.content = { ...whole.content, 'application/x-ndjson': { schema: { type: 'string', description: 'One LogLine a line' } } };
    whole.headers = { ...whole.headers, Link: ref('Link') };
  }
  const body = operation.requestBody;
  if (body && 'content' in body && body.content['application/json']) {
    const examples = bodyExamples[id];
    if (examples) Object.assign(body.content['application/json'], { examples: Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }])) });
    if (id === 'validateWorkflow' || id === 'validateAgent')
      body.content['application/json'].schema = { type: 'object', description: 'Anything; what a definition is not, the answer says' };
  }
};

const relaxBody = (document: OpenAPIObject, { requestBody }: Operation): void => {
  if (!requestBody || !('content' in requestBody)) return;
  const schema = requestBody.content['application/json']?.schema;
  if (schema && isOptional(document, schema)) requestBody.required = false;
};

/** Dialects ignore members that they don't know. */
const openBody = ({ requestBody }: Operation): void => {
  const json = requestBody && 'content' in requestBody ? requestBody.content['application/json'] : undefined;
  if (json?.schema && '$ref' in json.schema) json.schema = { type: 'object' };
};

/** An empty body is an empty object: without members that must be there it may be left out. */
const isOptional = (document: OpenAPIObject, schema: object): boolean => {
  const name = '$ref' in schema ? String(schema.$ref).split('/').pop() : undefined;
  const { required = [] } = ((name === undefined ? schema : document.components?.schemas?.[name]) ?? {}) as { required?: string[] };
  return required.length === 0;
};

const shapeOf = ({ name, in: place, schema }: { name: string; in: string; schema?: unknown }): object => {
  if (place === 'path') return { required: true, ...segments[name] };
  const { type, maximum } = (schema ?? {}) as { type?: string; maximum?: number };
  // No integer in a query has more than 15 digits.
  if (type === 'integer' && maximum === undefined) return { ...parameters[name], schema: { ...(schema as object), maximum: 999_999_999_999_999 } };
  return type === 'string' ? { ...parameters[name], ...cursors[name] } : (parameters[name] ?? {});
};

const ref = (name: string): object => ({ $ref: `#/components/headers/${name}` });

const amendAnswer = (answer: Answer, status: number, id: string, method: string): void => {
  const content = JSON.stringify(answer.content ?? {});
  const isExecution = content.includes('schemas/ExecutionPart');
  const isList = content.includes('List"');
  answer.headers = {
    'X-Request-Id': ref('X-Request-Id'),
    ...((isExecution && !content.includes('schemas/Plan')) || status === 304 ? { ETag: ref('ETag') } : {}),
    ...(isExecution && method === 'post' && (status === 201 || status === 202) ? { Location: ref('Location') } : {}),
    ...(isExecution && method === 'post' && ['createExecution', 'createExecutionOfWorkflow', 'executeAgent', 'retryExecution', 'replayExecution'].includes(id)
      ? { 'Preference-Applied': ref('Preference-Applied') }
      : {}),
    ...(method === 'post' ? { 'Idempotency-Replayed': ref('Idempotency-Replayed') } : {}),
    ...(isList && ['listExecutions', 'listApprovals', 'listSessions', 'listUsage'].includes(id) ? { 'Runlog-Lag-Ms': ref('Runlog-Lag-Ms') } : {}),
  };
  const json = answer.content?.['application/json'] as { schema?: object; example?: unknown } | undefined;
  if (json && isExecution && id !== 'listExecutions') json.example = executionExample;
};

const problemAnswer = (status: number, description: string): object => ({
  description,
  headers: {
    'X-Request-Id': ref('X-Request-Id'),
    ...(status === 429 || status === 503 ? { 'Retry-After': ref('Retry-After') } : {}),
    ...(status === 401 ? { 'WWW-Authenticate': ref('WWW-Authenticate') } : {}),
  },
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example: problemExample(status) } },
});

/** An enumeration of what may be null names it. */
const nullToo = (member: { type?: unknown; enum?: unknown[] }): void => {
  if (Array.isArray(member.type) && member.type.includes('null') && member.enum && !member.enum.includes(null)) member.enum = [...member.enum, null];
};

/** Unknown members are refused, and members that are any JSON are described as such. */
const closeBodies = (document: OpenAPIObject): void => {
  const all = (document.components?.schemas ?? {}) as Record<
    string,
    { type?: string; properties?: Record<string, { description?: string; type?: unknown; enum?: unknown[] }>; additionalProperties?: unknown }
  >;
  for (const [name, schema] of Object.entries(all)) {
    if (!name.endsWith('Body') || OPEN_BODIES.has(name)) continue;
    schema.additionalProperties = false;
    for (const member of Object.values(schema.properties ?? {})) nullToo(member);
    for (const any of ['input', 'answer']) if (schema.properties?.[any]) schema.properties[any] = { description: schema.properties[any].description ?? any };
  }
};

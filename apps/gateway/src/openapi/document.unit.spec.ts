import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import { dialects } from '../dialects/dialects.js';
import { dialectSchemas } from '../dialects/schemas.js';
import { flawsOf } from '../testing/fitting.js';
import { executionExample } from './examples.js';
import { describeOffline } from './offline.js';

// biome-ignore lint/suspicious/noExplicitAny: a document has every shape
type Any = any;

let document: OpenAPIObject;
let operations: { readonly name: string; readonly path: string; readonly operation: Any }[];

beforeAll(async () => {
  document = await describeOffline();
  operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Any>).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, path, operation })),
  );
}, 60_000);

const fits = (schema: object, value: unknown) => flawsOf(document, schema, value);

describe('the OpenAPI document', () => {
  it('is the one in docs/openapi.json', async () => {
    const kept = JSON.parse(await readFile(resolve('docs/openapi.json'), 'utf8')) as OpenAPIObject;
    const names = (paths: object) => Object.keys(paths).sort();
    const how = 'docs/openapi.json is not what the routes say: run `npm run openapi`, look at the difference, and commit it';
    expect({ how, paths: names(kept.paths) }).toEqual({ how, paths: names(document.paths) });
    expect({ how, ...kept }).toEqual({ how, ...document });
  });

  it('resolves every reference, and uses every shape', () => {
    const text = JSON.stringify(document);
    const used = new Set([...text.matchAll(/"#\/components\/(\w+)\/([\w-]+)"/g)].map(([, kind, name]) => `${kind}/${name}`));
    const components = document.components as Record<string, object>;
    const there = ['schemas', 'responses', 'headers'].flatMap((kind) => Object.keys(components[kind] ?? {}).map((name) => `${kind}/${name}`));
    expect([...used].filter((name) => !there.includes(name))).toEqual([]);
    const unused = there.filter((name) => name.startsWith('schemas/') && !used.has(name)).map((name) => name.slice('schemas/'.length));
    expect(unused.filter((name) => !(name in dialectSchemas))).toEqual([]);
  });

  it('says of each operation what its key may, how it fails, and what its request is called', () => {
    const flaws = operations.flatMap(({ name, path, operation }) => {
      const isOpen = operation.security.length === 0;
      const failures = Object.entries(operation.responses as Record<string, Any>).filter(([status, { $ref }]) => Number(status) >= 400 && !$ref?.includes('/responses/Problem'));
      return [
        ...(operation.operationId && operation.summary && operation.tags?.length ? [] : [`${name} has no name, summary or tag`]),
        ...(isOpen !== /^\/(health|metrics)/.test(path) ? [`${name} needs no key, or the wrong one`] : []),
        ...(isOpen || (operation['x-permission'] && operation['x-least-role'] && operation.security[0].bearer[0] === operation['x-permission'])
          ? []
          : [`${name} says no permission`]),
        ...(isOpen || ['400', '401', '403', '429', '503'].every((status) => operation.responses[status]) ? [] : [`${name} leaves out a failure`]),
        ...(path.startsWith('/health') ? [] : failures.map(([status]) => `${name} fails with ${status} otherwise than with a problem`)),
        ...(operation.requestBody && !operation.requestBody.content['application/json']?.examples ? [`${name} has no example of its body`] : []),
        ...(path.includes('{') && !operation.responses['404'] && !name.startsWith('PUT') ? [`${name} is never 404`] : []),
      ];
    });
    expect(flaws).toEqual([]);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has examples that fit their schemas', () => {
    const flaws = operations.flatMap(({ name, operation }) => [
      ...Object.entries(operation.requestBody?.content ?? {}).flatMap(([, { schema, examples = {} }]: [string, Any]) =>
        Object.values(examples as Record<string, Any>).flatMap(({ value }) => fits(schema, value).map((flaw) => `${name} ${flaw}`)),
      ),
      ...Object.values(operation.responses as Record<string, Any>).flatMap(({ content = {} }) =>
        Object.entries(content as Record<string, Any>).flatMap(([type, { schema, example }]) =>
          example === undefined || type === 'text/event-stream' ? [] : fits(schema, example).map((flaw) => `${name} ${flaw}`),
        ),
      ),
    ]);
    expect(flaws).toEqual([]);
    for (const { content } of Object.values(document.components?.responses ?? {}) as Any[]) {
      const { schema, example } = content['application/problem+json'];
      expect({ example, flaws: fits(schema, example) }).toEqual({ example, flaws: [] });
    }
  });

  it('has an example of a whole execution', () => {
    expect(fits({ $ref: '#/components/schemas/Execution' }, executionExample)).toEqual([]);
  });

  it('knows every member of an execution', () => {
    const execution: Any = document.components?.schemas?.Execution;
    const { properties, required } = execution;
    expect(Object.keys(properties)).toEqual([...dialects.canonical.fields]);
    expect(dialects.canonical.fields.filter((name) => !required.includes(name))).toEqual(['template', 'execution_data', 'execution_data_refs', 'stats']);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Parser } from '@asyncapi/parser';
import { describe, expect, it } from '@jest/globals';
import { decodeEvent } from '@runlog/event-log';
import { Ajv } from 'ajv';
import { breaks, type Schemas } from './compatibility.js';

interface Kept {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

const here = import.meta.dirname;
const root = resolve(here, '../../..');
const { describeEvents, eventSchemas } = (await import(pathToFileURL(`${root}/deploy/kafka/describe-events.mjs`).href)) as {
  describeEvents(): Promise<Record<string, string>>;
  eventSchemas(options?: { strict?: boolean }): Schemas;
};
const releases = readdirSync(`${here}/corpus`);
const eventsOf = (release: string): Kept[] =>
  readFileSync(`${here}/corpus/${release}/events.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Kept);
const schemasOf = (release: string) => JSON.parse(readFileSync(`${here}/corpus/${release}/schemas.json`, 'utf8')) as Schemas;

/** Whether data fit a type of these schemas; what does not, where it does not. */
const checker = ({ types, definitions }: Schemas) => {
  const ajv = new Ajv({ strict: false });
  const checks = new Map(Object.entries(types).map(([type, schema]) => [type, ajv.compile({ ...schema, definitions })]));
  return (type: string, data: unknown): string[] => {
    const check = checks.get(type);
    if (!check) return [`there is no schema of ${type}`];
    return check(data) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${type}${instancePath} ${message}`);
  };
};

const strict = eventSchemas({ strict: true });

describe('execution-events, as others read them', () => {
  it('are described in docs/ as they are', async () => {
    const files = await describeEvents();
    const stale = Object.entries(files).filter(([path, text]) => {
      try {
        return readFileSync(`${root}/${path}`, 'utf8') !== text;
      } catch {
        return true;
      }
    });
    const told = stale.map(([path]) => `${path} is not what the types say: run \`npm run asyncapi\` and commit it`);
    expect(told).toEqual([]);
    expect(readdirSync(`${root}/docs/events`).filter((name) => !files[`docs/events/${name}`])).toEqual([]);
  });

  it('have a document that is AsyncAPI', async () => {
    const { document, diagnostics } = await new Parser().parse(readFileSync(`${root}/docs/asyncapi.json`, 'utf8'));
    expect(diagnostics.filter(({ severity }) => severity <= 1)).toEqual([]);
    expect(document?.channels().get('execution-events')?.messages().length).toBe(Object.keys(strict.types).length + 1);
  });

  it.each(releases)('of %s are read, and fit what is published today', (release) => {
    const check = checker(strict);
    for (const [offset, { key, headers, value }] of eventsOf(release).entries()) {
      const record = { topic: 'execution-events', partition: 0, offset, key, headers, value: Buffer.from(value), at: 0 } as const;
      const event = decodeEvent(record);
      expect(check(event.type, event.data)).toEqual([]);
    }
    expect(new Set(eventsOf(release).map(({ headers }) => headers.ce_type))).toEqual(new Set(Object.keys(schemasOf(release).types)));
  });

  it.each(releases)('break no reader of %s', (release) => {
    expect(breaks(schemasOf(release), eventSchemas())).toEqual([]);
  });

  it('would break readers by a member that goes, may be missing, or changes its type', () => {
    const string = { type: 'string' };
    const one = (properties: object, required: string[]) => ({ types: { A: { type: 'object', properties, required } }, definitions: {} }) as Schemas;
    const released = one({ a: string, b: { enum: ['x'] } }, ['a']);
    expect(breaks(released, one({ b: { enum: ['x'] } }, []))).toEqual(['A.a: is gone']);
    expect(breaks(released, one({ a: string, b: { enum: ['x'] } }, []))).toEqual(['A.a: may be missing now']);
    expect(breaks(released, one({ a: { type: ['string', 'null'] }, b: { enum: ['x', 'y'] } }, ['a']))).toEqual([
      'A.a: may be null now, which it never was',
      'A.b: may be "y" now, which it never was',
    ]);
    expect(breaks(released, one({ a: string, b: { enum: ['x'] }, c: string }, ['a', 'c']))).toEqual([]);
    expect(breaks(released, { types: {}, definitions: {} })).toEqual(['A: is gone']);
  });
});

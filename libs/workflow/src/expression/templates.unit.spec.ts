import { describe, expect, it } from '@jest/globals';
import { resolveTemplates, resolveUrl, templateParts } from './templates.js';

const scope = { input: { id: 7, list: [1, 2], name: 'Ann', none: null }, nodes: { fetch: { body: { ok: true } } }, execution: { id: 'e' } };
const seed = { at: 0, commandId: 'c' };
const resolve = (config: Parameters<typeof resolveTemplates>[0]) => resolveTemplates(config, scope, seed);

describe('resolveTemplates', () => {
  it('keeps the type of a string that is one template', async () => {
    expect(await resolve({ a: '{{ input.list }}', b: '{{input.id}}', c: '{{ nodes.fetch.body }}', d: '{{ input.missing }}' })).toEqual({
      a: [1, 2],
      b: 7,
      c: { ok: true },
      d: null,
    });
  });

  it('writes values into text', async () => {
    expect(await resolve('Hello {{ input.name }}, {{ input.id }}/{{ input.none }}/{{ nodes.fetch.body }}')).toBe('Hello Ann, 7//{"ok":true}');
  });

  it('goes into arrays and objects and leaves names and other values', async () => {
    expect(await resolve({ '{{ input.id }}': [{ x: 'a{{ input.id }}' }, 5, true, null] })).toEqual({ '{{ input.id }}': [{ x: 'a7' }, 5, true, null] });
  });

  it('gives the config itself when it has no template', async () => {
    const config = { a: ['b', { c: '} }} {' }] };
    expect(await resolve(config)).toBe(config);
  });

  it('takes braces, quotes and comments within an expression for its own', async () => {
    expect(await resolve('{{ {"a":{"b":1}}}}')).toEqual({ a: { b: 1 } });
    expect(await resolve('{{ "}}" & \'{{\' /* }} */ }}')).toBe('}}{{');
    expect(await resolve('{{ "\\"}}" }}!')).toBe('"}}!');
  });

  it('draws another random number at each place', async () => {
    const { a, b } = (await resolve({ a: '{{ $random() }}', b: '{{ $random() }}' })) as { a: number; b: number };
    expect(a).not.toBe(b);
  });

  it('finds a template that nothing closes', () => {
    expect(templateParts('a {{ "}}').unclosedAt).toBe(2);
    expect(templateParts('{{ x }} {{').unclosedAt).toBe(8);
    expect(templateParts('{{ x }} }}').unclosedAt).toBeUndefined();
  });

  it('throws what its expression throws', async () => {
    await expect(resolve({ a: ['{{ 1 + "a" }}'] })).rejects.toMatchObject({ code: 'expression_failed' });
  });
});

describe('resolveUrl', () => {
  const url = (text: string, value: string) => resolveUrl(text, { ...scope, input: { v: value } }, seed);

  it.each([
    ['a/../../admin', 'http://h/users/a%2F..%2F..%2Fadmin/x'],
    ['1?all=true#', 'http://h/users/1%3Fall%3Dtrue%23/x'],
    ['@evil.example', 'http://h/users/%40evil.example/x'],
    ['\ud800', 'http://h/users/%EF%BF%BD/x'],
  ])('keeps %s in its place', async (value, expected) => {
    expect(await url('http://h/users/{{ input.v }}/x', value)).toBe(expected);
  });

  it('takes a whole URL as it is', async () => {
    expect(await url('{{ input.v }}', 'http://h/a?b=c')).toBe('http://h/a?b=c');
  });
});

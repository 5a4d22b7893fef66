import { describe, expect, it } from '@jest/globals';
import type { Guardrail } from '@runlog/workflow';
import { Guardrails } from './guardrails.js';

const rule = (more: Partial<Guardrail>): Guardrail => ({ on: 'input', kind: 'regex', action: 'redact', pattern: '\\d{3,}', ...more });
const guarding = (...rules: Guardrail[]) => new Guardrails(rules, 'input', () => undefined);

describe('guardrails', () => {
  it('replace every place that a pattern finds, in texts at any depth', () => {
    expect(guarding(rule({})).value({ a: 'call 12345 or 678', b: ['no', { c: '999' }], d: 12_345 })).toEqual({
      a: 'call [redacted] or [redacted]',
      b: ['no', { c: '[redacted]' }],
      d: 12_345,
    });
    expect(guarding(rule({ pattern: 'ANN', flags: 'i', replacement: '<name>' })).text('Ann, ann')).toBe('<name>, <name>');
    expect(guarding(rule({ pattern: 'x*' })).text('axxb')).toBe('a[redacted]b');
  });

  it('block by pattern and by schema, and say what for', () => {
    expect(() => guarding(rule({ action: 'block', name: 'no numbers' })).text('12345')).toThrow("Expected an input that guardrail 'no numbers' lets pass");
    expect(() => guarding(rule({ action: 'block', message: 'No, thanks' })).text('12345')).toThrow('No, thanks');
    const shaped = guarding({ on: 'input', kind: 'json_schema', action: 'block', schema: { type: 'object', properties: { n: { type: 'number' } } } });
    expect(shaped.value({ n: 1 })).toEqual({ n: 1 });
    expect(() => shaped.value({ n: 'x' })).toThrow("at '/n': Expected a number");
  });

  it('leave the other side alone', () => {
    const output = guarding(rule({ on: 'output' }));
    expect(output.isEmpty).toBe(true);
    expect(output.value('12345')).toBe('12345');
  });
});

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redaction } from '../redaction.js';
import { Unfinished } from './unfinished.js';

const SECRET = 'sk-live/a+b c';

const told = (pieces: readonly string[], isWhole = true): string => {
  const redaction = new Redaction();
  redaction.add(SECRET);
  let given = '';
  const text = new Unfinished(redaction, (piece) => (given += piece));
  for (const piece of pieces) text.hear(piece);
  text.end(isWhole);
  return given;
};

describe('text in pieces', () => {
  it('hides a secret wherever it is cut', () => {
    const forms = [SECRET, encodeURIComponent(SECRET), Buffer.from(`xy${SECRET}`).toString('base64')];
    for (const form of forms)
      for (let at = 0; at <= form.length; at++) {
        const given = told([`key: ${form.slice(0, at)}`, `${form.slice(at)} end`]);
        expect(given).toContain('[redacted]');
        expect(given).not.toContain(form.slice(-12));
      }
  });

  it('gives everything else, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('sk', '-live', 's', 'a', ' ', '😀', 'sk-liv'), { maxLength: 12 }), (pieces) => {
        const whole = pieces.join('');
        if (!whole.includes(SECRET)) expect(told(pieces)).toBe(whole);
      }),
    );
  });

  it('keeps back half a secret of a text that was cut off', () => {
    expect(told(['key: sk-live/a'], false)).toBe('key: ');
  });

  it('does not break a character that comes in two pieces', () => {
    const [high, low] = ['😀'.slice(0, 1), '😀'.slice(1)] as [string, string];
    expect(told(['a', high, low])).toBe('a😀');
    expect(told(['a', high, 'b'])).toBe('a\ufffdb');
  });
});

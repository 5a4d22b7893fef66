import { describe, expect, it } from '@jest/globals';
import { Redaction } from './redaction.js';

const secret = 'pa55 "word"/+ü';

describe('Redaction', () => {
  const redaction = new Redaction();
  redaction.add(secret);

  it.each([
    ['as it is', secret],
    ['JSON-escaped', JSON.stringify({ secret })],
    ['URL-encoded', `https://x/?q=${encodeURIComponent(secret)}`],
    ['form-encoded', encodeURIComponent(secret).replaceAll('%20', '+')],
    ...[0, 1, 2, 3].map((shift) => [`in base64 after ${shift} bytes`, Buffer.from(`${'u'.repeat(shift)}${secret}:tail`).toString('base64')]),
    ['in base64url', Buffer.from(secret).toString('base64url')],
  ])('blacks out a secret %s', (_how, text) => {
    const clean = redaction.text(text as string);
    expect(clean).toContain('[redacted]');
    for (const part of ['pa55', 'word', Buffer.from(secret).toString('base64').slice(2, 12)]) expect(clean).not.toContain(part);
  });

  it('reaches every name and value of JSON, and leaves the rest alone', () => {
    expect(redaction.json({ [secret]: [`x${secret}y`, 1, null], other: true })).toEqual({ '[redacted]': ['x[redacted]y', 1, null], other: true });
    const untouched = { a: ['b'] };
    expect(redaction.json(untouched)).toBe(untouched);
  });

  it('blacks out a number that is the secret', () => {
    const pin = new Redaction();
    pin.add('123456');
    expect(pin.json({ pin: 123456, other: 12 })).toEqual({ pin: '[redacted]', other: 12 });
  });
});

import { describe, expect, it } from '@jest/globals';
import { keyOf } from './auth/key.guard.js';
import { RateLimit } from './auth/rate-limit.js';
import { dialects } from './dialects/dialects.js';
import { etagOf, matchedVersion, namesTag, type Presentation } from './executions/presentation.js';
import { waitingOf } from './executions/waiting.js';
import { cursorOf, placeIn } from './http/cursor.js';
import { fingerprintOf } from './idempotency.js';
import { executionRef, ksuidOf, uuidOfKsuid } from './ids.js';

const asking = (headers: Record<string, string>) => ({ get: (name: string) => headers[name.toLowerCase()] }) as Parameters<typeof waitingOf>[0];

describe('waiting', () => {
  it('is ?wait, then Prefer, then none; cut to 600', () => {
    expect(waitingOf(asking({ prefer: 'wait=9' }), '3')).toEqual({ seconds: 3, headers: {} });
    expect(waitingOf(asking({ prefer: 'respond-async, wait=9000' }), undefined)).toEqual({ seconds: 600, headers: { 'Preference-Applied': 'wait=600' } });
    expect(waitingOf(asking({}), undefined)).toEqual({ seconds: 0, headers: {} });
  });

  it.each(['-1', '1.5', 'x', ''])('refuses %s', (wait) => {
    expect(() => waitingOf(asking({}), wait)).toThrow('whole number of seconds');
  });
});

describe('the key of a request', () => {
  const given = (headers: Record<string, string>) => keyOf({ headers } as Parameters<typeof keyOf>[0]);
  it('comes from any one of three headers', () => {
    expect(given({ authorization: 'Bearer abc' })).toBe('abc');
    expect(given({ 'x-api-key': 'abc' })).toBe('abc');
    expect(given({ 'kinetic-api-key': 'abc', authorization: 'bearer abc' })).toBe('abc');
    expect(given({})).toBeUndefined();
  });
  it('is refused when two differ, or when Authorization is of another kind', () => {
    expect(() => given({ 'x-api-key': 'abc', authorization: 'Bearer abd' })).toThrow('two different');
    expect(() => given({ authorization: 'Basic abc' })).toThrow('Bearer');
  });
});

describe('ETags', () => {
  const how: Presentation = { dialect: dialects.canonical, zone: 'UTC', address: '', path: '', fields: null, parts: new Set(), now: 0 };
  it('hold the version and the shape, not the time', () => {
    expect(etagOf(3, how)).toBe(etagOf(3, { ...how, now: 99 }));
    expect(etagOf(3, how)).not.toBe(etagOf(3, { ...how, zone: 'Asia/Tokyo' }));
    expect(etagOf(3, { ...how, fields: new Set(['id', 'status']) })).toBe(etagOf(3, { ...how, fields: new Set(['status', 'id']) }));
    expect(namesTag(`"x", W/${etagOf(3, how)}`, etagOf(3, how))).toBe(true);
    expect(namesTag(etagOf(4, how), etagOf(3, how))).toBe(false);
  });
  it('of If-Match are compared by version only', () => {
    expect([matchedVersion('"12-abc"'), matchedVersion('W/"12"'), matchedVersion('*'), matchedVersion(undefined)]).toEqual([12, 12, null, undefined]);
    expect(() => matchedVersion('12')).toThrow('ETag');
  });
});

describe('ids', () => {
  it('know a KSUID, which holds the 16 bytes of the UUID', () => {
    expect(uuidOfKsuid(ksuidOf('0199b7a3-b994-7588-82bf-549a3600bc27'))).toBe('0199b7a3-b994-7588-82bf-549a3600bc27');
    expect(uuidOfKsuid('0ujtsYcgvSTl8PAuAdqWYSMnLOv')).toBe('b5a1cd34-b5f9-9d11-54fb-6853345c9735');
    expect(uuidOfKsuid('zzzzzzzzzzzzzzzzzzzzzzzzzzz')).toBeNull();
    expect([executionRef('v8brp'), executionRef('workflow_8'), executionRef('t_1'), executionRef('a-b'), executionRef('')]).toEqual(['v8brp', 'workflow_8', 't_1', null, null]);
  });
});

describe('cursors', () => {
  const id = '0199b7a3-b994-7588-82bf-549a3600bc27';
  it('come back as they went, in their own order only', () => {
    for (const value of [5, null, '2500000']) expect(placeIn(cursorOf('-cost', { value, id }), '-cost', 'after')).toEqual({ value, id });
    expect(() => placeIn(cursorOf('-cost', { value: 1, id }), 'cost', 'after')).toThrow('cursor');
    for (const broken of ['', 'x', Buffer.from('[1]').toString('base64url'), cursorOf('-cost', { value: "1' or 1", id })])
      expect(() => placeIn(broken, '-cost', 'after')).toThrow('cursor');
  });
});

describe('the fingerprint of a request', () => {
  it('is that of its JSON, whatever the order of members', () => {
    expect(fingerprintOf('POST', '/a', { x: 1, y: { a: 1, b: 2 } })).toBe(fingerprintOf('POST', '/a', { y: { b: 2, a: 1 }, x: 1 }));
    expect(fingerprintOf('POST', '/a', { x: [1, 2] })).not.toBe(fingerprintOf('POST', '/a', { x: [2, 1] }));
    expect(fingerprintOf('POST', '/a', {})).not.toBe(fingerprintOf('POST', '/b', {}));
  });
});

describe('the rate limit', () => {
  it('holds a second’s worth and refills', () => {
    const limit = new RateLimit(2);
    limit.take('a', 0);
    limit.take('a', 0);
    expect(() => limit.take('a', 0)).toThrow('at most 2 requests');
    limit.take('b', 0);
    limit.take('a', 500);
    expect(() => limit.take('a', 500)).toThrow();
  });
});

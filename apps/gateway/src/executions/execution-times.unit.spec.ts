import { describe, expect, it } from '@jest/globals';
import { createdIn, utc } from './execution-times.js';

describe('created_at_string', () => {
  const hours = Array.from({ length: 370 * 24 }, (_, hour) => Date.UTC(2027, 11, 30, hour, hour % 60));

  it('reads the same in UTC as in a zone of another name that is UTC', () => {
    expect(hours.map((at) => createdIn(at, 'UTC').created_at_string)).toEqual(hours.map((at) => createdIn(at, 'Etc/UTC').created_at_string));
    expect(createdIn(Date.UTC(2028, 1, 29, 0, 5), 'UTC')).toEqual({ created_at: '2028-02-29T00:05:00.000Z', created_at_string: 'Feb 29, 2028 12:05 am UTC' });
  });
});

describe('a time in UTC', () => {
  it.each([0, 1, 999, 59_999, 60_000, -1, Date.UTC(2027, 1, 28, 23, 59, 59, 999), Date.UTC(2028, 1, 29), Date.UTC(2028, 1, 29, 1, 2, 3, 45)])('is RFC 3339: %d', (at) => {
    expect([utc(at), utc(at + 1), utc(at)]).toEqual([at, at + 1, at].map((one) => new Date(one).toISOString()));
  });
  it('has whole milliseconds, whatever an old event says', () => expect(utc(Date.UTC(2027, 1, 28, 23, 59, 59, 999) + 0.4)).toBe('2027-02-28T23:59:59.999Z'));
});

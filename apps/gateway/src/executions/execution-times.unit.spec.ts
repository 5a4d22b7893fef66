import { describe, expect, it } from '@jest/globals';
import { createdIn } from './execution-times.js';

describe('created_at_string', () => {
  const hours = Array.from({ length: 370 * 24 }, (_, hour) => Date.UTC(2027, 11, 30, hour, hour % 60));

  it('reads the same in UTC as in a zone of another name that is UTC', () => {
    expect(hours.map((at) => createdIn(at, 'UTC').created_at_string)).toEqual(hours.map((at) => createdIn(at, 'Etc/UTC').created_at_string));
    expect(createdIn(Date.UTC(2028, 1, 29, 0, 5), 'UTC')).toEqual({ created_at: '2028-02-29T00:05:00.000Z', created_at_string: 'Feb 29, 2028 12:05 am UTC' });
  });
});

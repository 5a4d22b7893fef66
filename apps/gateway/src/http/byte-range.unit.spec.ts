import { describe, expect, it } from '@jest/globals';
import { byteRange } from './byte-range.js';

describe('byteRange', () => {
  it.each([
    ['bytes=0-9', { from: 0, to: 9 }],
    ['bytes=90-', { from: 90, to: 99 }],
    ['bytes=-10', { from: 90, to: 99 }],
    ['bytes=-1000', { from: 0, to: 99 }],
    ['bytes=50-1000', { from: 50, to: 99 }],
    ['bytes=99-99', { from: 99, to: 99 }],
  ])('gives the part that %s asks for', (header, part) => {
    expect(byteRange(header, 100)).toEqual(part);
  });
  it.each(['bytes=100-', 'bytes=100-200', 'bytes=-0'])('finds nothing for %s', (header) => {
    expect(byteRange(header, 100)).toBeNull();
  });
  it.each([undefined, '', 'bytes=-', 'bytes=9-3', 'bytes=0-1,5-6', 'lines=1-2', 'bytes=a-b', 'bytes=1-2x'])('sends all for %s', (header) => {
    expect(byteRange(header, 100)).toBeUndefined();
  });
  it('has no part of an empty body', () => {
    expect(byteRange('bytes=0-', 0)).toBeNull();
    expect(byteRange('bytes=-5', 0)).toBeNull();
  });
});

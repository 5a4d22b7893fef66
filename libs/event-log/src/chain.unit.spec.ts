import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type ChainLink, chainId } from './chain.js';

const link: ChainLink = {
  previous: 'a'.repeat(64),
  executionId: '0190a0a0-0000-7000-8000-000000000000',
  version: 7,
  type: 'NodeCompleted',
  schemaVersion: 1,
  commandId: 'c1',
  commandOffset: 42,
  workspaceId: 'default',
  at: 1_700_000_000_123,
  value: '{"output":"ünï"}',
};

const byHand = (value: string | Buffer): string => {
  const hash = createHash('sha256');
  for (const field of [link.previous, link.executionId, '7', link.type, '1', 'c1', '42', 'default', '1700000000123', value]) {
    const bytes = Buffer.from(field);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest('hex');
};

describe('chainId', () => {
  it('is SHA-256 over the length-prefixed fields, whether the value is text or bytes, small or large', () => {
    for (const value of ['', link.value, 'é'.repeat(30_000), 'x'.repeat(400_000)]) {
      expect(chainId({ ...link, value })).toBe(byHand(value));
      expect(chainId({ ...link, value: Buffer.from(value) })).toBe(byHand(value));
    }
  });

  it('never changes for a published event', () => {
    expect(chainId(link)).toBe('b1434beae76a22f65d4b2e3da3e3bb4605071c6535a49f611c2027f326dece5d');
  });

  it('differs when any field differs, also when bytes move from one field to the next', () => {
    const variants = [
      { ...link, previous: '' },
      { ...link, version: 8 },
      { ...link, at: link.at + 1 },
      { ...link, commandId: 'c', workspaceId: '1default' },
      { ...link, commandId: 'c14', commandOffset: 2 },
      { ...link, value: `${link.value} ` },
    ];
    expect(new Set([link, ...variants].map(chainId)).size).toBe(variants.length + 1);
  });
});

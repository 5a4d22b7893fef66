import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { SecretBox, SecretUnreadable, secretKeyIn } from './secret-box.js';

describe('SecretBox', () => {
  const box = new SecretBox(randomBytes(32));
  const sealed = box.seal('w1', 'token', 'välue');

  it('opens what it sealed, and seals the same value differently each time', () => {
    expect(box.open('w1', 'token', sealed)).toBe('välue');
    expect(box.seal('w1', 'token', 'välue').ciphertext).not.toBe(sealed.ciphertext);
    expect(Buffer.from(sealed.ciphertext, 'base64').toString('latin1')).not.toContain('lue');
  });

  it.each([
    ['another workspace', () => box.open('w2', 'token', sealed)],
    ['another name', () => box.open('w1', 'other', sealed)],
    ['another key', () => new SecretBox(randomBytes(32)).open('w1', 'token', sealed)],
    ['a changed byte', () => box.open('w1', 'token', { ...sealed, ciphertext: `A${sealed.ciphertext.slice(1)}`.replace(/^AA/, 'BA') })],
    ['a cut one', () => box.open('w1', 'token', { ...sealed, ciphertext: sealed.ciphertext.slice(0, 20) })],
  ])('does not open it under %s', (_what, open) => {
    expect(open).toThrow(SecretUnreadable);
  });

  it('makes a key in the home folder once, for its owner alone', async () => {
    const home = await mkdtemp(join(tmpdir(), 'runlog-key-'));
    const keys = await Promise.all(Array.from({ length: 20 }, () => secretKeyIn(home)));
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
    expect(await readdir(home)).toEqual(['secret.key']);
    expect((await stat(join(home, 'secret.key'))).mode & 0o777).toBe(0o600);
    const given = randomBytes(32);
    expect(await secretKeyIn(home, given)).toBe(given);
    await rm(home, { recursive: true });
  });
});

import { randomBytes } from 'node:crypto';

/** How much of a key people see again: enough to tell keys apart. */
const PREFIX_LENGTH = 12;

/** A key of 256 random bits, `rl_` and base64url. */
export const newKey = (): { key: string; prefix: string } => {
  const key = `rl_${randomBytes(32).toString('base64url')}`;
  return { key, prefix: prefixOf(key) };
};

/** A key that somebody else chose: a shorter one shows less of itself. */
export const prefixOf = (key: string): string => key.slice(0, Math.min(PREFIX_LENGTH, Math.floor(key.length / 3)));

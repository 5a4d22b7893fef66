import { createHash } from 'node:crypto';

const MOST_CHARS = 8_000;
/** Characters that show nothing, or show others in another order. */
const deceptive = /[\u0080-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** The hash of arguments, of their canonical JSON text; in hex. */
export const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Arguments as people see them who decide on a call: on one line, nothing hidden but what is too long, which is said. */
export const asShown = (text: string): string => {
  const plain = text.replace(deceptive, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return plain.length > MOST_CHARS ? `${plain.slice(0, MOST_CHARS).toWellFormed()} ... (${plain.length} characters, the rest is not shown)` : plain;
};

import { createHash } from 'node:crypto';

const LONGEST_INDEXED = 300;

/** What the index holds for a text to be found by equality: itself, or its hash when it is too long for an index. */
export const indexedTerm = (text: string): string => (text.length > LONGEST_INDEXED ? `sha256:${createHash('sha256').update(text).digest('hex')}` : text);

/** How a top-level scalar of the metadata is found: by its text, whatever its type. */
export const metadataTerm = (key: string, value: string): string => indexedTerm(`${key.length}:${key}=${value}`);

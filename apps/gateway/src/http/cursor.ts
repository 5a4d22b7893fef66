import { malformed } from './problem.js';

/** A row's place in a list: its sort value and id. */
export interface Place {
  readonly value: number | string | null;
  readonly id: string;
}

/** Opaque: the order it was made for, and a place in it. */
export const cursorOf = (order: string, { value, id }: Place): string => Buffer.from(JSON.stringify([order, value, id])).toString('base64url');

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Throws a 400 problem when it is none of ours, or of a list in another order. `form`: of ids in this list. */
export const placeIn = (cursor: string, order: string, name: 'after' | 'before', form: RegExp = UUID): Place => {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    parts = null;
  }
  const [of, value, id] = Array.isArray(parts) && parts.length === 3 ? (parts as unknown[]) : [];
  const usable =
    of === order && typeof id === 'string' && (value === null || Number.isSafeInteger(value) || (typeof value === 'string' && /^\d{1,18}$/.test(value))) && form.test(id);
  if (!usable) throw malformed('invalid_cursor', name, `Expected '${name}' to be a cursor of this list in this order, but it is not`);
  return { value: value as Place['value'], id };
};

import type { ListResource } from '@runlog/contract';
import type { PageQuery } from '../executions/list.dto.js';
import { cursorOf, placeIn } from './cursor.js';
import { malformed } from './problem.js';

const ORDER = '-created_at';
const ID_OR_NAME = /^[\w.-]{1,64}$/;

/** A page of a list that is small enough to be held in memory: newest first, or by name where rows have no id. */
export const pageOf = <Item extends { readonly created_at: string; readonly id?: string; readonly name?: string }>(
  items: readonly Item[],
  query: PageQuery,
): ListResource<Item> => {
  const { after, before, limit = 50 } = query;
  if (after !== undefined && before !== undefined) throw malformed('invalid_query', 'before', 'Expected one cursor, but got both after and before');
  const sorted = [...items].sort((a, b) => compare(keyOf(b), keyOf(a)));
  const cursor = after ?? before;
  const place = cursor === undefined ? undefined : keyOfPlace(placeIn(cursor, ORDER, after === undefined ? 'before' : 'after', ID_OR_NAME));
  const isBackwards = before !== undefined;
  const beyond = place === undefined ? sorted : sorted.filter((item) => (isBackwards ? compare(keyOf(item), place) > 0 : compare(keyOf(item), place) < 0));
  const data = isBackwards ? beyond.slice(-limit) : beyond.slice(0, limit);
  const isMore = beyond.length > limit;
  const edge = (item: Item | undefined) => (item ? cursorOf(ORDER, { value: Date.parse(item.created_at), id: item.id ?? item.name ?? '' }) : null);
  const next = data.length > 0 && (isBackwards || isMore);
  return {
    object: 'list',
    data,
    has_more: next,
    next_cursor: next ? edge(data.at(-1)) : null,
    prev_cursor: (isBackwards ? isMore : after !== undefined) ? edge(data[0]) : null,
  };
};

type Key = readonly [at: number, id: string];

const keyOf = ({ created_at, id, name }: { created_at: string; id?: string; name?: string }): Key => [Date.parse(created_at), id ?? name ?? ''];
const keyOfPlace = ({ value, id }: { value: number | string | null; id: string }): Key => [Number(value), id];
const compare = (a: Key, b: Key): number => a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0);

import type { ListResource } from '@runlog/contract';
import type { PageQuery } from '../executions/list.dto.js';
import { cursorOf, placeIn } from '../http/cursor.js';

const ORDER = '-created_at';

interface Row {
  readonly id: string;
  readonly createdAt: number;
}

interface Asked {
  readonly limit: number;
  readonly after?: Row;
  readonly before?: Row;
}

/** A page of rows of the catalog, newest first, which `load` reads one more of than asked. `after` wins over `before`. */
export const catalogPage = async <Found extends Row, Item>(
  { limit = 50, after, before }: PageQuery,
  load: (page: Asked) => Promise<Found[]>,
  show: (row: Found) => Promise<Item>,
): Promise<ListResource<Item>> => {
  const placed = (cursor: string | undefined, name: 'after' | 'before') => {
    if (cursor === undefined) return {};
    const { value, id } = placeIn(cursor, ORDER, name);
    return { [name]: { createdAt: Number(value), id } };
  };
  const found = await load({ limit: limit + 1, ...placed(after, 'after'), ...(after === undefined ? placed(before, 'before') : {}) });
  const backwards = after === undefined && before !== undefined;
  const rows = backwards ? found.slice(-limit) : found.slice(0, limit);
  const beyond = found.length > limit;
  const edge = (row: Found | undefined) => (row ? cursorOf(ORDER, { value: row.createdAt, id: row.id }) : null);
  const more = rows.length > 0 && (backwards || beyond);
  return {
    object: 'list',
    data: await Promise.all(rows.map(show)),
    has_more: more,
    next_cursor: more ? edge(rows.at(-1)) : null,
    prev_cursor: (backwards ? beyond : after !== undefined) ? edge(rows[0]) : null,
  };
};

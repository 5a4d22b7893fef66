import type { ExecutionFilter } from '@runlog/contract';
import type { Database, Sql } from '@runlog/read-model';
import { type Statement, searchStatements } from './execution-list.js';

interface Found {
  readonly id: string;
}

/** So many matches are put in order, at most. */
export const MOST_SORTED = 20_000;

/** The ids of a page of a search and one more, in the order of the page; at each step what was asked before was not enough. */
export const foundIds = async (database: Database, filter: ExecutionFilter, mostSorted = MOST_SORTED): Promise<string[]> => {
  const { near, all, walk } = searchStatements(filter, mostSorted);
  const next = await database.query<Found>(near.text, near.values);
  if (next.length > filter.limit) return idsOf(next);
  const matches = await database.transaction((sql) => byIndex<Found & { found: number }>(sql, all));
  return idsOf((matches[0]?.found ?? 0) > mostSorted ? await database.query<Found>(walk.text, walk.values) : matches);
};

/** Not by reading the table from its beginning, which looks cheaper than an index to whoever wants a part of what matches. */
export const byIndex = async <Row>(sql: Sql, { text, values }: Statement): Promise<Row[]> => {
  await sql.query('set local enable_seqscan = off');
  return sql.query<Row>(text, values);
};

const idsOf = (rows: readonly Found[]): string[] => rows.map(({ id }) => id);

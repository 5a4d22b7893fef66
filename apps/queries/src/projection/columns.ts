import { breathe } from '@runlog/event-log';
import { binaryArray, type ElementType } from '@runlog/read-model';

/** A column of a multi-row statement: its type in SQL and how a row gives its value. */
export interface Column<Row> {
  readonly name: string;
  readonly type: ElementType | 'text[]';
  readonly of: (row: Row) => unknown;
}

/** Rows as one array per column, which is how `unnest` takes them. Others have the event loop in between. */
export const columnar = async <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Promise<Buffer[]> => {
  const arrays: Buffer[] = [];
  for (const { type, of } of columns) {
    arrays.push(type === 'text[]' ? binaryArray('text', rows, (row) => arrayLiteral(of(row) as readonly string[])) : binaryArray(type, rows, of));
    const others = breathe();
    if (others) await others;
  }
  return arrays;
};

/** The row as it reads once written: by column, with JSON parsed and numbers as numbers. */
export const rowOf = <Row>(columns: readonly Column<Row>[], row: Row): Readonly<Record<string, unknown>> =>
  Object.fromEntries(columns.map(({ name, type, of }) => [name, read(type, of(row) ?? null)]));

const read = (type: Column<never>['type'], value: unknown): unknown => {
  if (value === null) return null;
  if (type === 'json') return JSON.parse(value as string);
  return type === 'bigint' ? Number(value) : value;
};

/** `unnest($n::uuid[], ...) as r (id, ...)`, from parameter `first` on. Arrays pass as text. */
export const unnested = <Row>(columns: readonly Column<Row>[], first: number): string =>
  `unnest(${columns.map(({ type }, i) => `$${first + i}::${type === 'text[]' ? 'text' : type}[]`).join(', ')}) as r (${columns.map(({ name }) => name).join(', ')})`;

/** `r.id, r.tags::text[] ...` */
export const selected = <Row>(columns: readonly Column<Row>[]): string => columns.map(({ name, type }) => (type === 'text[]' ? `r.${name}::${type}` : `r.${name}`)).join(', ');

export const names = <Row>(columns: readonly Column<Row>[]): string => columns.map(({ name }) => name).join(', ');

/** A PostgreSQL array literal of strings. */
const arrayLiteral = (items: readonly string[]): string => `{${items.map((item) => `"${item.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;

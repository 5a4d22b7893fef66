import { type Database, layOutTables, type Sql } from '@runlog/read-model';

/** Where rows are built. What is found there was left by a rebuild that did not end, and goes. */
export const BESIDE = 'runlog_next';
/** Where the live tables go before they are dropped. */
export const FORMER = 'runlog_former';

/** What the projection of events writes. `executions` first: readers lock it first too, so that none can hold one table and wait for another. */
export const rebuiltTables = ['executions', 'execution_nodes', 'execution_events', 'usage_daily', 'gates', 'body_references', 'budget_spending'] as const;
/** `budget_reservations` are made by the owners of partitions: those beside stay empty, and are dropped in the end. */
const kept: readonly string[] = [...rebuiltTables, 'projection_progress', 'projection_quarantine', 'budget_reservations'];

/** Makes empty tables beside the live ones, without the indexes that only reads need. Resolves with the statements that make those. */
export const layOutBeside = (beside: Database): Promise<string[]> =>
  beside.transaction(async (sql) => {
    await dropBeside(sql);
    await sql.query(`create schema ${BESIDE}`);
    await layOutTables(sql);
    const others = await sql.query<{ name: string }>('select quote_ident(tablename) as name from pg_tables where schemaname = $1 and not tablename = any($2)', [BESIDE, kept]);
    if (others.length > 0) await sql.query(`drop table ${others.map(({ name }) => `${BESIDE}.${name}`).join(', ')} cascade`);
    const indexes = await sql.query<{ name: string; definition: string }>(
      `select quote_ident(c.relname) as name, pg_get_indexdef(c.oid) as definition from pg_index i join pg_class c on c.oid = i.indexrelid
       where c.relnamespace = $1::regnamespace and not i.indisunique order by c.relname`,
      [BESIDE],
    );
    if (indexes.length > 0) await sql.query(`drop index ${indexes.map(({ name }) => `${BESIDE}.${name}`).join(', ')}`);
    return indexes.map(({ definition }) => definition);
  });

/** Makes what was built ready for reads: indexes, and what the planner must know of the new tables. */
export const finishBeside = async (beside: Database, indexes: readonly string[]): Promise<void> => {
  for (const definition of indexes) await beside.query(definition);
  for (const table of rebuiltTables) await beside.query(`vacuum (analyze) ${BESIDE}.${table}`);
};

export const dropBeside = async (sql: Sql): Promise<void> => {
  await sql.query(`drop schema if exists ${BESIDE}, ${FORMER} cascade`);
};

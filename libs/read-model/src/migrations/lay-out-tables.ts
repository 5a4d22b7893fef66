import type { QueryRunner } from 'typeorm';
import type { Sql } from '../database.js';
import { migrations } from './index.js';

/** As the `migrations` table has them. */
export const migrationNames: readonly string[] = migrations.map(({ name }) => name);

/** Creates every table, empty, in the first schema of the search path, exactly as the migrations did in `public`: they are run again. */
export const layOutTables = async (sql: Sql): Promise<void> => {
  const runner = { query: (text: string) => sql.query(text) } as unknown as QueryRunner;
  for (const Migration of migrations) await new Migration().up(runner);
};

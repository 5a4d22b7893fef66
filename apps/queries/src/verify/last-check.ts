import type { Sql } from '@runlog/read-model';
import type { Drift } from './drift.js';

const MOST_EXAMPLES = 20;

/** What the last check of all workspaces found. */
export interface LastCheck {
  /** When it ended, milliseconds UTC. */
  readonly at: number;
  readonly checked: number;
  readonly drift: number;
  readonly examples: readonly Drift[];
}

export const keepCheck = async (sql: Sql, { checked, drift }: { readonly checked: number; readonly drift: readonly Drift[] }, at: number): Promise<void> => {
  await sql.query(
    `insert into projection_checks (projection, at, checked, drift, examples) values ('executions', $1, $2, $3, $4)
     on conflict (projection) do update set at = excluded.at, checked = excluded.checked, drift = excluded.drift, examples = excluded.examples`,
    [at, checked, drift.length, JSON.stringify(drift.slice(0, MOST_EXAMPLES))],
  );
};

/** undefined: there was none yet. */
export const lastCheck = async (sql: Sql): Promise<LastCheck | undefined> =>
  (await sql.query<LastCheck>(`select at, checked, drift, examples from projection_checks where projection = 'executions'`, [], 'last-check'))[0];

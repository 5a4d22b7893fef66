import { canonicalJson, type Sql } from '@runlog/read-model';
import type { Accounts } from '../projection/accounts.js';
import type { Usage } from '../projection/usage.js';
import { spendingRowsOf, usageRowsOf } from '../projection/write-changes.js';
import type { Drift } from './drift.js';

type Row = Readonly<Record<string, unknown>>;

/** Where the projection of a partition stood, and what it had added up by then: from one instant. */
export interface Standing {
  readonly partition: number;
  readonly offset: number;
  readonly used: readonly Row[] | null;
  readonly spent: readonly Row[] | null;
}

export const standings = (sql: Sql, workspaceId: string | undefined): Promise<Standing[]> =>
  sql.query<Standing>(
    `select p.partition, p."offset", (select json_agg(u) from usage_daily u where u.partition = p.partition and ($1::uuid is null or u.workspace_id = $1)) as used,
       (select json_agg(s) from budget_spending s where s.partition = p.partition and ($1::uuid is null or s.workspace_id = $1)) as spent
     from projection_progress p where p.projection = 'executions' order by p.partition`,
    [workspaceId ?? null],
  );

/** Sums that are not what the events up to there add up to. */
export const compareUsage = (usage: Usage, { used }: Standing): Drift[] => compareSums('usage', usageRowsOf(usage), used ?? [], usageKey);

/** The same of what accounts with a budget have spent. */
export const compareSpending = (accounts: Accounts, { spent }: Standing): Drift[] => compareSums('spending', spendingRowsOf(accounts), spent ?? [], spendingKey);

const compareSums = (what: string, folded: readonly Row[], stored: readonly Row[], keyOf: (row: Row) => string): Drift[] => {
  const expected = new Map(folded.map((row) => [keyOf(row), row]));
  const kept = new Map(stored.map((row) => [keyOf(row), row]));
  return [...new Set([...expected.keys(), ...kept.keys()])].flatMap((key) => {
    const [one, other] = [expected.get(key), kept.get(key)];
    const differing = Object.keys(one ?? {}).filter((name) => one?.[name] !== other?.[name]);
    if (one && other && differing.length === 0) return [];
    const shown = (row: Row | undefined): string => (row ? canonicalJson(Object.fromEntries(differing.map((name) => [name, row[name]]))) : 'no row');
    return [{ executionId: `${what} of ${key}`, because: `it is ${shown(other)} but the log gives ${shown(one)}` }];
  });
};

const usageKey = ({ day, workspace_id, workflow_id, agent_id, model, partition }: Row): string =>
  `${day}, workspace ${workspace_id}, workflow ${workflow_id}${agent_id === '' ? '' : `, agent ${agent_id}`}${model === '' ? '' : `, model ${model}`}, partition ${partition}`;

const spendingKey = ({ account, day, partition }: Row): string => `${day}, account ${account}, partition ${partition}`;

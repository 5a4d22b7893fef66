import { canonicalJson, type Sql } from '@runlog/read-model';
import type { Usage } from '../projection/usage.js';
import { usageRowsOf } from '../projection/write-changes.js';
import type { Drift } from './drift.js';

type Row = Readonly<Record<string, unknown>>;

/** Where the projection of a partition stood, and what it had added up by then: from one instant. */
export interface Standing {
  readonly partition: number;
  readonly offset: number;
  readonly used: readonly Row[] | null;
}

export const standings = (sql: Sql, workspaceId: string | undefined): Promise<Standing[]> =>
  sql.query<Standing>(
    `select p.partition, p."offset", (select json_agg(u) from usage_daily u where u.partition = p.partition and ($1::uuid is null or u.workspace_id = $1)) as used
     from projection_progress p where p.projection = 'executions' order by p.partition`,
    [workspaceId ?? null],
  );

/** Sums that are not what the events up to there add up to. */
export const compareUsage = (usage: Usage, { used }: Standing): Drift[] => {
  const expected = new Map(usageRowsOf(usage).map((row) => [keyOf(row), row]));
  const kept = new Map((used ?? []).map((row) => [keyOf(row), row]));
  return [...new Set([...expected.keys(), ...kept.keys()])].flatMap((key) => {
    const [folded, stored] = [expected.get(key), kept.get(key)];
    const differing = Object.keys(folded ?? {}).filter((name) => folded?.[name] !== stored?.[name]);
    if (folded && stored && differing.length === 0) return [];
    const shown = (row: Row | undefined): string => (row ? canonicalJson(Object.fromEntries(differing.map((name) => [name, row[name]]))) : 'no row');
    return [{ executionId: `usage of ${key}`, because: `it is ${shown(stored)} but the log gives ${shown(folded)}` }];
  });
};

const keyOf = ({ day, workspace_id, workflow_id, agent_id, model, partition }: Row): string =>
  `${day}, workspace ${workspace_id}, workflow ${workflow_id}${agent_id === '' ? '' : `, agent ${agent_id}`}${model === '' ? '' : `, model ${model}`}, partition ${partition}`;

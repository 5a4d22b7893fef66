import type { TreeView } from '@runlog/contract';
import type { Sql } from '@runlog/read-model';

interface Row {
  readonly executions: number;
  readonly cost: string;
  readonly cost_complete: boolean;
  readonly input_uncached: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly output_text: number;
  readonly reasoning: number;
}

const tokens = ['input_uncached', 'cache_read', 'cache_write', 'output_text', 'reasoning'] as const;

/** An execution and all below it, added up; null: unknown here. */
export const treeOf = async (sql: Sql, workspaceId: string, executionId: string): Promise<TreeView | null> => {
  const [row] = await sql.query<Row>(
    `with recursive tree as (
       select id, cost_nano_usd, live from executions where workspace_id = $1 and id = $2
       union all
       select e.id, e.cost_nano_usd, e.live from executions e join tree t on e.workspace_id = $1 and e.parent_execution_id = t.id::text
     )
     select count(*) as executions, coalesce(sum(cost_nano_usd), 0)::text as cost, coalesce(bool_and((live ->> 'cost_complete')::boolean), true) as cost_complete,
       ${tokens.map((name) => `coalesce(sum((live #>> '{token_usage,${name}}')::bigint), 0)::bigint as ${name}`).join(', ')}
     from tree`,
    [workspaceId, executionId],
    'tree-of',
  );
  if (!row || row.executions === 0) return null;
  const { executions, cost, cost_complete, ...token_usage } = row;
  return { executions, cost_nano_usd: cost, cost_complete, token_usage };
};

import type { NodeStatus, NodeView, ReplayNode } from '@runlog/contract';
import type { EventData } from '@runlog/execution';
import type { Sql } from '@runlog/read-model';

/** The rows of reused nodes stand where the nodes ran; an execution's NodeReused events say where that is. */
const reused = `from execution_events e
  cross join lateral json_array_elements_text(e.value::json -> 'nodes') as r(node_id)
  join execution_nodes n on n.execution_id = (e.value::json ->> 'source_execution_id')::uuid and n.node_id = r.node_id
  where e.execution_id = $1 and e.type = 'NodeReused'`;
const where = `e.value::json ->> 'source_execution_id' as source, (e.value::json ->> 'source_version')::int as source_version`;

interface ReusedRow {
  readonly source: string;
  readonly source_version: number;
  readonly at: number;
  readonly state: NodeView;
  readonly output: NodeView['output'];
}

/** What the execution has reused up to `version`, with the outputs of the nodes. */
export const reusedNodes = async (sql: Sql, executionId: string, version: number): Promise<NodeView[]> => {
  const rows = await sql.query<ReusedRow>(`select ${where}, e.at, n.state, n.output ${reused} and e.version <= $2`, [executionId, version], 'reused-nodes');
  return rows.map(({ source, source_version, at, state, output }) => ({
    node_id: state.node_id,
    type: state.type,
    name: state.name,
    status: 'completed',
    branch: state.branch,
    output,
    ...(state.output_ref ? { output_ref: state.output_ref } : {}),
    error: null,
    scheduled_at: null,
    started_at: null,
    completed_at: at,
    stopped_at: null,
    failed_at: null,
    due_at: null,
    stop: null,
    attempts: [],
    reused_from: { execution_id: source, version: source_version },
  }));
};

interface DetailRow {
  readonly node_id: string;
  readonly branch: string | null;
  readonly tried: boolean;
  readonly cost: string | null;
}

/** Begun, for certain; of a stopped node only its state tells. */
const tried: ReadonlySet<NodeStatus> = new Set(['running', 'waiting', 'completed', 'failed']);

/**
 * The execution's own nodes and those that it has reused, as a replay of it needs them. States are opened only where a branch matters, so
 * that a large execution costs little more than a small one.
 */
export const replayNodesOf = async (
  sql: Sql,
  executionId: string,
  { branching, costing, isReplay }: { readonly branching: readonly string[]; readonly costing: readonly string[]; readonly isReplay: boolean },
): Promise<ReplayNode[]> => {
  const [statuses, details, reuses, reusedCosts] = await Promise.all([
    sql.query<{ status: NodeStatus; nodes: string[] }>(
      'select status, array_agg(node_id) as nodes from execution_nodes where execution_id = $1 group by status',
      [executionId],
      'replay-nodes',
    ),
    sql.query<DetailRow>(
      `select node_id, state ->> 'branch' as branch, state ->> 'started_at' is not null as tried, state #>> '{spent,cost_nano_usd}' as cost from execution_nodes
       where execution_id = $1 and (node_id = any($2) or status = 'stopped')`,
      [executionId, [...branching, ...costing]],
      'replay-node-details',
    ),
    isReplay ? sql.query<{ value: string }>(`select value from execution_events where execution_id = $1 and type = 'NodeReused'`, [executionId], 'replay-reused') : [],
    isReplay && costing.length > 0
      ? sql.query<{ node_id: string; cost: string | null }>(
          `select n.node_id, n.state #>> '{spent,cost_nano_usd}' as cost ${reused} and r.node_id = any($2)`,
          [executionId, costing],
          'replay-reused-costs',
        )
      : [],
  ]);
  const costOf = new Map(reusedCosts.map(({ node_id, cost }) => [node_id, cost]));
  const detailOf = new Map(details.map((row) => [row.node_id, row]));
  const own = statuses.flatMap(({ status, nodes }) =>
    nodes.map((node_id): ReplayNode => {
      const detail = detailOf.get(node_id);
      return { node_id, status, branch: detail?.branch ?? null, tried: detail?.tried ?? tried.has(status), cost_nano_usd: detail?.cost ?? '0', reused_from: null };
    }),
  );
  return [...own, ...reuses.flatMap(({ value }) => reusedIn(JSON.parse(value) as EventData['NodeReused'], costOf))];
};

const reusedIn = ({ source_execution_id, source_version, nodes, branches }: EventData['NodeReused'], costOf: ReadonlyMap<string, string | null>): ReplayNode[] => {
  const reused_from = { execution_id: source_execution_id, version: source_version };
  return nodes.map((node_id) => ({
    node_id,
    status: 'completed',
    branch: Object.hasOwn(branches, node_id) ? (branches[node_id] ?? null) : null,
    tried: false,
    cost_nano_usd: costOf.get(node_id) ?? '0',
    reused_from,
  }));
};

/** A node that has returned the receipt of an effect has a row of its own. */
export const asReplayNode = ({ node_id, status, branch, started_at, reused_from, effect, spent }: NodeView): ReplayNode => ({
  node_id,
  status,
  branch,
  tried: started_at !== null,
  cost_nano_usd: spent?.cost_nano_usd ?? '0',
  reused_from: effect ? null : reused_from,
});

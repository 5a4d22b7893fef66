import type { NodeView, ReplayNode } from '@runlog/contract';
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

type ReplayRow = Omit<ReplayNode, 'reused_from'> & { readonly source: string | null; readonly source_version: number | null };

const members = `n.node_id, n.state ->> 'type' as type, n.status, n.state ->> 'branch' as branch, n.state ->> 'started_at' is not null as tried`;

/** The execution's own nodes and those that it has reused, as a replay of it needs them. */
export const replayNodesOf = async (sql: Sql, executionId: string, isReplay: boolean): Promise<ReplayNode[]> => {
  const rows = await sql.query<ReplayRow>(
    `select ${members}, null as source, null::int as source_version from execution_nodes n where n.execution_id = $1${isReplay ? ` union all select ${members}, ${where} ${reused}` : ''}`,
    [executionId],
    isReplay ? 'replay-nodes-of-replay' : 'replay-nodes',
  );
  return rows.map(({ source, source_version, ...node }) => ({
    ...node,
    reused_from: source === null || source_version === null ? null : { execution_id: source, version: source_version },
  }));
};

export const asReplayNode = ({ node_id, type, status, branch, started_at, reused_from }: NodeView): ReplayNode => ({
  node_id,
  type,
  status,
  branch,
  tried: started_at !== null,
  reused_from,
});

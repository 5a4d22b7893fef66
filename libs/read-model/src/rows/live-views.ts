import type { ExecutionView } from '@runlog/contract';
import type { Sql } from '../database.js';
import { type NodeDraft, noNodes } from '../fold/draft.js';
import { type StoredExecution, viewOf } from './execution-row.js';

/**
 * Views to fold further events into, by id: with all nodes, but without what the fold never reads again (input, outputs), so that they
 * stay small. Unknown ids are left out.
 */
export const loadLiveViews = async (sql: Sql, ids: readonly string[]): Promise<Map<string, ExecutionView>> => {
  const rows = await sql.query<StoredExecution & { id: string }>('select id, settled, live from executions where id = any($1::uuid[])', [ids], 'live-views');
  if (rows.length === 0) return new Map();
  const nodesOf = new Map(rows.map(({ id }) => [id, noNodes()]));
  const nodes = await sql.query<{ execution_id: string; node_id: string; state: NodeDraft }>(
    'select execution_id, node_id, state from execution_nodes where execution_id = any($1::uuid[])',
    [rows.map(({ id }) => id)],
    'live-nodes',
  );
  for (const { execution_id, node_id, state } of nodes) (nodesOf.get(execution_id) as { [node: string]: NodeDraft })[node_id] = { ...state, output: null };
  return new Map(rows.map((row) => [row.id, { ...viewOf(row), input: null, output: null, nodes: nodesOf.get(row.id) as { [node: string]: NodeDraft } }]));
};

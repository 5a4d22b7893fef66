import type { TurnFilter, TurnView } from '@runlog/contract';
import type { Sql } from '../database.js';

/** What belongs to a session: executions of agents, each once however often it was replayed. */
export const inSession = 'e.session_id is not null and e.agent_id is not null and e.replay_of is null';

const columns = `e.id as execution_id, e.agent_id, e.status, e.created_at, e.completed_at, e.settled->'input' as input, e.settled->'input_ref' as input_ref, e.output, e.live->'output_ref' as output_ref`;

/** Executions of agents in a session: oldest first after a place, or, asked for those before one, newest first. */
export const turnsOf = (sql: Sql, { workspaceId, sessionId, podId, status, after, before, limit }: TurnFilter): Promise<TurnView[]> => {
  const values: unknown[] = [workspaceId, sessionId];
  const where = ['e.workspace_id = $1', 'e.session_id = $2', inSession];
  if (podId !== undefined) where.push(`e.pod_id = $${values.push(podId)}`);
  if (status !== undefined) where.push(`e.status = $${values.push(status)}`);
  const place = before ?? after;
  if (place) where.push(`(e.created_at, e.id) ${before ? '<' : '>='} ($${values.push(place.at)}::bigint, $${values.push(place.id)}::uuid)`);
  const order = before ? 'desc' : 'asc';
  return sql.query<TurnView>(`select ${columns} from executions e where ${where.join(' and ')} order by e.created_at ${order}, e.id ${order} limit $${values.push(limit)}`, values);
};

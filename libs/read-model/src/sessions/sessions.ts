import type { SessionFilter, SessionPage, SessionView } from '@runlog/contract';
import type { Sql } from '../database.js';
import { inSession } from './turns.js';

/** A page of sessions, the one with the newest execution first. `before` reads backwards, so its rows are turned round. */
export const sessionsOf = async (sql: Sql, { workspaceId, podId, agentId, limit, after, before }: SessionFilter): Promise<Omit<SessionPage, 'lagMs'>> => {
  const values: unknown[] = [workspaceId];
  const of = (e: string): string => [`${e}.workspace_id = $1`, inSession.replaceAll('e.', `${e}.`), ...own.map(([column, at]) => `${e}.${column} = $${at}`)].join(' and ');
  const own = [
    ['pod_id', podId],
    ['agent_id', agentId],
  ].flatMap(([column, value]) => (value === undefined ? [] : [[column, values.push(value)] as const]));
  const isBackwards = before !== undefined;
  const place = before ?? after;
  const placed = place ? ` and (e.created_at, e.id) ${isBackwards ? '>' : '<'} ($${values.push(place.at)}::bigint, $${values.push(place.id)}::uuid)` : '';
  const order = isBackwards ? 'asc' : 'desc';
  const rows = await sql.query<SessionView>(
    `select last.session_id, last.agent_id, last.id as last_execution_id, last.created_at as last_at, counted.first_at, counted.executions from (
       select e.session_id, e.agent_id, e.id, e.created_at from executions e
       where ${of('e')}${placed}
         and not exists (select from executions n where ${of('n')} and n.session_id = e.session_id and (n.created_at, n.id) > (e.created_at, e.id))
       order by e.created_at ${order}, e.id ${order} limit $${values.push(limit + 1)}
     ) last cross join lateral (
       select count(*)::integer as executions, min(s.created_at) as first_at from executions s where ${of('s')} and s.session_id = last.session_id
     ) counted order by last.created_at ${order}, last.id ${order}`,
    values,
  );
  const shown = rows.slice(0, limit);
  return { rows: isBackwards ? shown.reverse() : shown, hasMore: rows.length > limit };
};

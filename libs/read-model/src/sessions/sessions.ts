import type { SessionFilter, SessionPage, SessionPlace, SessionView } from '@runlog/contract';
import type { Sql } from '../database.js';
import { inSession } from './turns.js';

const SCANNED = 500;
/** A session that has so many of the executions that were scanned is left out of the next scan. */
const MANY = 50;
const MOST_COUNTED = 10_000;

interface Scanned {
  readonly id: string;
  readonly session_id: string;
  readonly agent_id: string;
  readonly at: number;
}

/**
 * A page of sessions, the one with the newest execution first. Executions in sessions are scanned from the place on, in batches; those that
 * are not the newest of their session are passed over. `before` scans the other way, so its rows are turned round.
 */
export const sessionsOf = async (sql: Sql, filter: SessionFilter): Promise<Omit<SessionPage, 'lagMs'>> => {
  const { limit, after, before } = filter;
  const found: Scanned[] = [];
  const large = new Set<string>();
  for (let place = before ?? after; found.length <= limit; ) {
    const batch = await scan(sql, filter, place, [...large]);
    const newest = await newestOf(sql, filter, [...new Set(batch.map(({ session_id }) => session_id))]);
    found.push(...batch.filter(({ id, session_id }) => newest.get(session_id) === id));
    const last = batch.at(-1);
    if (!last || batch.length < SCANNED) break;
    for (const [session, executions] of countsIn(batch)) if (executions >= MANY && (before === undefined || newestIsFound(found, session))) large.add(session);
    place = { at: last.at, id: last.id };
  }
  const shown = before ? found.slice(0, limit).reverse() : found.slice(0, limit);
  return { rows: await counted(sql, filter, shown), hasMore: found.length > limit };
};

const newestIsFound = (found: readonly Scanned[], session: string): boolean => found.some(({ session_id }) => session_id === session);

const countsIn = (batch: readonly Scanned[]): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { session_id } of batch) counts.set(session_id, (counts.get(session_id) ?? 0) + 1);
  return counts;
};

/** What belongs to the sessions that are asked for, with the values that the condition needs. */
const asked = ({ workspaceId, podId, agentId }: SessionFilter): { where: string; values: unknown[] } => {
  const values: unknown[] = [workspaceId];
  const where = ['e.workspace_id = $1', inSession];
  if (podId !== undefined) where.push(`e.pod_id = $${values.push(podId)}`);
  if (agentId !== undefined) where.push(`e.agent_id = $${values.push(agentId)}`);
  return { where: where.join(' and '), values };
};

const scan = (sql: Sql, filter: SessionFilter, place: SessionPlace | undefined, without: readonly string[]): Promise<Scanned[]> => {
  const { where, values } = asked(filter);
  const isBackwards = filter.before !== undefined;
  const placed = place ? ` and (e.created_at, e.id) ${isBackwards ? '>' : '<'} ($${values.push(place.at)}::bigint, $${values.push(place.id)}::uuid)` : '';
  const order = isBackwards ? 'asc' : 'desc';
  return sql.query<Scanned>(
    `select e.id, e.session_id, e.agent_id, e.created_at as at from executions e where ${where}${placed} and e.session_id <> all($${values.push(without)}::text[])
     order by e.created_at ${order}, e.id ${order} limit ${SCANNED}`,
    values,
  );
};

/** Ids of the newest executions, by session. */
const newestOf = async (sql: Sql, filter: SessionFilter, sessions: readonly string[]): Promise<Map<string, string>> => {
  const { where, values } = asked(filter);
  const rows = await sql.query<{ session_id: string; id: string }>(
    `select s.session_id, newest.id from unnest($${values.push(sessions)}::text[]) s (session_id)
     cross join lateral (select e.id from executions e where ${where} and e.session_id = s.session_id order by e.created_at desc, e.id desc limit 1) newest`,
    values,
  );
  return new Map(rows.map(({ session_id, id }) => [session_id, id]));
};

const counted = async (sql: Sql, filter: SessionFilter, sessions: readonly Scanned[]): Promise<SessionView[]> => {
  const { where, values } = asked(filter);
  const rows = await sql.query<{ session_id: string; executions: number; first_at: number }>(
    `select s.session_id, counted.executions, first.at as first_at from unnest($${values.push(sessions.map(({ session_id }) => session_id))}::text[]) s (session_id)
     cross join lateral (
       select count(*)::integer as executions from (select from executions e where ${where} and e.session_id = s.session_id limit ${MOST_COUNTED}) those
     ) counted
     cross join lateral (
       select e.created_at as at from executions e where ${where} and e.session_id = s.session_id order by e.created_at, e.id limit 1
     ) first`,
    values,
  );
  const known = new Map(rows.map((row) => [row.session_id, row]));
  return sessions.map(({ id, session_id, agent_id, at }) => {
    const { executions = 0, first_at = at } = known.get(session_id) ?? {};
    return { session_id, agent_id, last_execution_id: id, last_at: at, first_at, executions };
  });
};

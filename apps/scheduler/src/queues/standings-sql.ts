import type { QueueStanding } from '@runlog/execution';
import type { Sql } from '@runlog/read-model';
import { DOOMED, NEWCOMER, placeOf } from './place.js';

/** A queue's name in its workspace. */
export interface QueueName {
  readonly workspaceId: string;
  readonly queue: string;
}

/** Locks the rows of these queues, in one order for everybody; makes those that are not there. */
const lockQueues = async (sql: Sql, queues: readonly QueueName[]): Promise<void> => {
  const names = [queues.map(({ workspaceId }) => workspaceId), queues.map(({ queue }) => queue)];
  const lock = () =>
    sql.query(
      `select q.workspace_id, q.name from scheduler_queues q join unnest($1::text[], $2::text[]) u(workspace_id, name) on u.workspace_id = q.workspace_id and u.name = q.name
       order by 1, 2 for update of q`,
      names,
      'queues_lock',
    );
  if ((await lock()).length === queues.length) return;
  await sql.query(
    `insert into scheduler_queues (workspace_id, name, key_slots, ttl_seconds)
     select u.workspace_id, u.name, coalesce(c.key_slots, 1), c.ttl_seconds from unnest($1::text[], $2::text[]) u(workspace_id, name)
     left join queues c on c.workspace_id = u.workspace_id and c.name = u.name on conflict (workspace_id, name) do nothing`,
    names,
    'queues_make',
  );
  await lock();
};

const applied = `
  with changed as (
    select * from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::bigint[], $10::bigint[], $11::double precision[])
      c(execution_id, state, workspace_id, queue, key, ticket, place, queued_at, ttl_seconds)
  ),
  freed as (
    delete from scheduler_leases l using changed c where l.execution_id = c.execution_id and c.state <> 'held' and l.ticket < c.ticket
    returning l.workspace_id, l.queue, l.key
  ),
  gone as (
    delete from scheduler_waiting w using changed c where w.execution_id = c.execution_id and c.state <> 'waiting' and w.ticket <= c.ticket
    returning w.workspace_id, w.queue, w.key
  ),
  come as (
    insert into scheduler_waiting as w (execution_id, partition, workspace_id, queue, key, ticket, place, queued_at, ttl_seconds, expires_at)
    select c.execution_id, $1, c.workspace_id, c.queue, c.key, c.ticket, c.place, c.queued_at, c.ttl_seconds,
      case when c.place >= ${NEWCOMER} then c.queued_at + round(1000 * coalesce(c.ttl_seconds, q.ttl_seconds))::bigint end
    from changed c join scheduler_queues q on q.workspace_id = c.workspace_id and q.name = c.queue
    where c.state = 'waiting' and not exists (select from scheduler_leases l where l.execution_id = c.execution_id and l.ticket >= c.ticket)
    on conflict (execution_id) do update set ticket = excluded.ticket, place = excluded.place, expires_at = excluded.expires_at, doom = null, doomed_at = null
      where w.ticket < excluded.ticket
    returning w.workspace_id, w.queue, w.key, w.place, (w.xmax = 0)::int as fresh
  ),
  confirmed as (
    insert into scheduler_leases as l (execution_id, partition, workspace_id, queue, key, ticket, queued_at, granted_at, confirmed)
    select c.execution_id, $1, c.workspace_id, c.queue, c.key, c.ticket, c.queued_at, $2, true from changed c where c.state = 'held'
    on conflict (execution_id) do update set confirmed = true, ticket = greatest(l.ticket, excluded.ticket)
    returning l.workspace_id, l.queue, l.key, (l.xmax = 0)::int as fresh
  ),
  delta as (
    select workspace_id, queue, key, sum(held)::int as held, sum(waiting)::int as waiting, coalesce(min(place), ${DOOMED}) as head from (
      select workspace_id, queue, key, -1 as held, 0 as waiting, null::bigint as place from freed
      union all select workspace_id, queue, key, 0, -1, null from gone
      union all select workspace_id, queue, key, 0, fresh, place from come
      union all select workspace_id, queue, key, fresh, 0, null from confirmed
    ) each group by workspace_id, queue, key having sum(held) <> 0 or sum(waiting) <> 0 or min(place) is not null
  ),
  keys as (
    insert into scheduler_queue_keys as k (workspace_id, queue, key, held, waiting, head, turn, open)
    select d.workspace_id, d.queue, d.key, d.held, d.waiting, d.head, q.turn, d.head < ${DOOMED} and (d.key = '' or d.held < q.key_slots)
    from delta d join scheduler_queues q on q.workspace_id = d.workspace_id and q.name = d.queue
    on conflict (workspace_id, queue, key) do update set held = k.held + excluded.held, waiting = k.waiting + excluded.waiting, head = least(k.head, excluded.head),
      turn = case when k.waiting = 0 then greatest(k.turn, excluded.turn) else k.turn end,
      open = least(k.head, excluded.head) < ${DOOMED} and (k.key = '' or k.held + excluded.held < (
        select q.key_slots from scheduler_queues q where q.workspace_id = k.workspace_id and q.name = k.queue))
  )
  update scheduler_queues q set held = q.held + d.held, waiting = q.waiting + d.waiting
  from (select workspace_id, queue, sum(held) as held, sum(waiting) as waiting from delta group by workspace_id, queue) d
  where q.workspace_id = d.workspace_id and q.name = d.queue and (d.held <> 0 or d.waiting <> 0)`;

/**
 * What the log says of executions in queues, into the tables; within the transaction that commits the offset up to which it was read, the
 * queues' rows locked. Tickets make it safe to repeat: nothing newer is undone.
 */
export const applyStandings = async (sql: Sql, partition: number, standings: readonly QueueStanding[], now: number): Promise<void> => {
  await lockQueues(sql, queuesOf(standings));
  await sql.query(
    applied,
    [
      partition,
      now,
      standings.map(({ executionId }) => executionId),
      standings.map(({ state }) => state),
      standings.map(({ workspaceId }) => workspaceId),
      standings.map(({ queue }) => queue),
      standings.map(({ key }) => key),
      standings.map(({ ticket }) => ticket),
      standings.map(placeOf),
      standings.map(({ queuedAt }) => queuedAt),
      standings.map(({ ttlSeconds }) => ttlSeconds),
    ],
    'queues_standings',
  );
};

/** Each once, in the order in which they are locked. */
export const queuesOf = (standings: readonly QueueName[]): QueueName[] => {
  const names = new Map(standings.map(({ workspaceId, queue }) => [`${workspaceId} ${queue}`, { workspaceId, queue }]));
  return [...names].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, name]) => name);
};

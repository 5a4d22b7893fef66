import type { ExecutionId, WorkspaceId } from '@runlog/execution';
import type { Sql } from '@runlog/read-model';
import type { Strategy } from './granting-sql.js';
import { DOOMED, NEWCOMER } from './place.js';
import type { QueueName } from './standings-sql.js';

/** Somebody to whom a command is due: he holds a slot and has not answered yet, or he is about to go. */
export interface Due {
  readonly execution_id: ExecutionId;
  readonly workspace_id: WorkspaceId;
  readonly queue: string;
  readonly ticket: number;
  /** null: to be admitted. */
  readonly doom: Strategy | 'expired' | null;
  /** What he was allowed to wait. */
  readonly ttl_seconds: number | null;
}

/** Queues in which a slot may be granted, somebody has to go, or other settings count, paused or not. */
export const queuesDue = async (sql: Sql): Promise<QueueName[]> => {
  const rows = await sql.query<{ workspace_id: string; name: string }>(
    `select q.workspace_id, q.name from scheduler_queues q left join queues c on c.workspace_id = q.workspace_id and c.name = q.name
     where q.waiting > 0 and (q.key_slots <> coalesce(c.key_slots, 1) or q.ttl_seconds is distinct from c.ttl_seconds or not coalesce(c.paused, false) and (
       (coalesce(q.held < c.slots, true) and exists (select from scheduler_queue_keys k where k.workspace_id = q.workspace_id and k.queue = q.name and k.open))
       or (c.strategy in ('cancel_running', 'cancel_newest') and (
         exists (select from scheduler_queue_keys k where k.workspace_id = q.workspace_id and k.queue = q.name and not k.open and k.head < ${DOOMED})
         or exists (select from scheduler_queue_keys k where k.workspace_id = q.workspace_id and k.queue = q.name and k.key = '' and k.open)
       ))
     ))`,
    [],
    'queues_due',
  );
  return rows.map(({ workspace_id, name }) => ({ workspaceId: workspace_id, queue: name }));
};

/** Those who have waited too long: nobody of them is admitted any more. */
export const expire = (sql: Sql, now: number, limit: number): Promise<Due[]> =>
  sql.query<Due>(
    `update scheduler_waiting w set doom = 'expired', doomed_at = $1, place = w.place % ${NEWCOMER} + ${DOOMED}
     from (select execution_id from scheduler_waiting where expires_at <= $1 and doom is null order by expires_at limit $2 for update skip locked) e
     where w.execution_id = e.execution_id
     returning w.execution_id, w.workspace_id, w.queue, w.ticket, w.doom, (w.expires_at - w.queued_at) / 1000.0::double precision as ttl_seconds`,
    [now, limit],
    'queues_expire',
  );

/** Commands of a partition's executions that were due by then and have had no effect that was read. */
export const unanswered = (sql: Sql, partition: number, dueBy: number, limit: number): Promise<Due[]> =>
  sql.query<Due>(
    `(select execution_id, workspace_id, queue, ticket, null as doom, null::double precision as ttl_seconds from scheduler_leases
      where partition = $1 and not confirmed and granted_at <= $2 order by granted_at limit $3)
     union all
     (select execution_id, workspace_id, queue, ticket, doom, null from scheduler_leases where partition = $1 and doom is not null and doomed_at <= $2 order by doomed_at limit $3)
     union all
     (select execution_id, workspace_id, queue, ticket, doom, (expires_at - queued_at) / 1000.0::double precision from scheduler_waiting
      where partition = $1 and doom is not null and doomed_at <= $2 order by doomed_at limit $3)`,
    [partition, dueBy, limit],
    'queues_unanswered',
  );

/** How far the scheduler's tables reach, by partition. */
export const offsetsReached = async (sql: Sql): Promise<Map<number, number>> => {
  const rows = await sql.query<{ partition: number; next_offset: number }>('select partition, next_offset from scheduler_progress', [], 'queues_reached');
  return new Map(rows.map(({ partition, next_offset }) => [partition, next_offset]));
};

/** Rows of keys and queues of which nothing is left. */
export const sweepAway = async (sql: Sql): Promise<void> => {
  await sql.query(
    `delete from scheduler_queue_keys k using (
       select workspace_id, queue, key from scheduler_queue_keys where held = 0 and waiting = 0 limit 5000 for update skip locked
     ) gone where k.workspace_id = gone.workspace_id and k.queue = gone.queue and k.key = gone.key`,
    [],
    'queues_sweep_keys',
  );
  await sql.query(
    `delete from scheduler_queues q using (select workspace_id, name from scheduler_queues where held = 0 and waiting = 0 limit 1000 for update skip locked) gone
     where q.workspace_id = gone.workspace_id and q.name = gone.name`,
    [],
    'queues_sweep',
  );
};

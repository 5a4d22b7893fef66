import type { Sql } from '@runlog/read-model';
import type { Choice, KeyStanding, Waiting } from './choosing.js';
import { DOOMED, NEWCOMER } from './place.js';
import type { QueueName } from './standings-sql.js';

export type Strategy = 'queue' | 'cancel_running' | 'cancel_newest' | 'round_robin';

/** A queue under its lock: what people set, and what is. */
export interface LockedQueue {
  readonly held: number;
  readonly waiting: number;
  readonly turn: number;
  /** null: without a limit. */
  readonly slots: number | null;
  readonly key_slots: number;
  readonly ttl_seconds: number | null;
  readonly strategy: Strategy;
  readonly paused: boolean;
  /** The rows of keys and of those who wait go by former settings. */
  readonly stale: boolean;
}

/** Somebody who has to go: he holds a slot or waits for one. */
export interface Member {
  readonly execution_id: string;
  readonly queued_at: number;
  readonly ticket: number;
  readonly holds: boolean;
}

const own = ({ workspaceId, queue }: QueueName): [string, string] => [workspaceId, queue];

/**
 * The statements of a transaction that grants slots of one queue. The first locks its row, so that nobody else changes what the others read;
 * what people set is read after that: once a change of theirs is answered, nobody is admitted by what was before.
 */
export const lockQueue = async (sql: Sql, name: QueueName): Promise<LockedQueue | undefined> => {
  const [row] = await sql.query<Pick<LockedQueue, 'held' | 'waiting' | 'turn'>>(
    'select held, waiting, turn from scheduler_queues where workspace_id = $1 and name = $2 for update',
    own(name),
    'queue_lock',
  );
  if (!row) return undefined;
  const [settings] = await sql.query<Omit<LockedQueue, keyof typeof row>>(
    `select c.slots, coalesce(c.key_slots, 1) as key_slots, c.ttl_seconds, coalesce(c.strategy, 'queue') as strategy, coalesce(c.paused, false) as paused,
       q.key_slots <> coalesce(c.key_slots, 1) or q.ttl_seconds is distinct from c.ttl_seconds as stale
     from scheduler_queues q left join queues c on c.workspace_id = q.workspace_id and c.name = q.name where q.workspace_id = $1 and q.name = $2`,
    own(name),
    'queue_settings',
  );
  return settings && { ...row, ...settings };
};

/** Other limits: the rows go by them from now on. */
export const adoptSettings = async (sql: Sql, name: QueueName, { key_slots, ttl_seconds }: LockedQueue): Promise<void> => {
  await sql.query(
    `with changed as (
       update scheduler_queues set key_slots = $3, ttl_seconds = $4 where workspace_id = $1 and name = $2
     ), expiring as (
       update scheduler_waiting set expires_at = queued_at + 1000 * $4::bigint
       where workspace_id = $1 and queue = $2 and place >= ${NEWCOMER} and ttl_seconds is null and expires_at is distinct from queued_at + 1000 * $4::bigint
     )
     update scheduler_queue_keys set open = head < ${DOOMED} and held < $3 where workspace_id = $1 and queue = $2 and key <> '' and held > 0`,
    [...own(name), key_slots, ttl_seconds],
    'queue_adopt',
  );
};

const orders = { place: 'head, key', turns: '(head / 1000000000000000), turn, head, key' };

/** The keys that may be served, best first, at most `limit`. */
export const openKeys = (sql: Sql, name: QueueName, roundRobin: boolean, limit: number): Promise<KeyStanding[]> =>
  sql.query<KeyStanding>(
    `select key, held, head, turn from scheduler_queue_keys where workspace_id = $1 and queue = $2 and open order by ${roundRobin ? orders.turns : orders.place} limit $3`,
    [...own(name), limit],
    roundRobin ? 'queue_keys_turns' : 'queue_keys_place',
  );

/** The first who wait, of each key so many. */
export const firstOfKeys = (sql: Sql, name: QueueName, keys: readonly (KeyStanding & { readonly most: number })[]): Promise<Waiting[]> =>
  sql.query<Waiting>(
    `select w.execution_id, w.workspace_id, w.key, w.ticket, w.place from unnest($3::text[], $4::bigint[], $5::int[]) k(key, head, most)
     cross join lateral (
       select * from scheduler_waiting w where w.workspace_id = $1 and w.queue = $2 and w.key = k.key and w.place >= k.head and w.place < ${DOOMED}
       order by w.place, w.execution_id limit k.most
     ) w`,
    [...own(name), keys.map(({ key }) => key), keys.map(({ head }) => head), keys.map(({ most }) => most)],
    'queue_first',
  );

/** Those who were chosen hold leases from now on. */
export const grant = async (sql: Sql, name: QueueName, { granted, keys, turn }: Choice, keySlots: number, now: number): Promise<void> => {
  await sql.query(
    `with taken as (
       delete from scheduler_waiting w using unnest($4::text[]) c(execution_id) where w.execution_id = c.execution_id
       returning w.execution_id, w.partition, w.key, w.ticket, w.queued_at
     ), leased as (
       insert into scheduler_leases (execution_id, partition, workspace_id, queue, key, ticket, queued_at, granted_at, confirmed)
       select t.execution_id, t.partition, $1, $2, t.key, t.ticket, t.queued_at, $3, false from taken t
     ), keys as (
       update scheduler_queue_keys k set held = k.held + u.granted, waiting = k.waiting - u.granted, head = u.head, turn = coalesce(u.turn, k.turn),
         open = u.head < ${DOOMED} and (k.key = '' or k.held + u.granted < $5)
       from unnest($6::text[], $7::int[], $8::bigint[], $9::bigint[]) u(key, granted, head, turn) where k.workspace_id = $1 and k.queue = $2 and k.key = u.key
     )
     update scheduler_queues set held = held + cardinality($4::text[]), waiting = waiting - cardinality($4::text[]), turn = $10 where workspace_id = $1 and name = $2`,
    [
      ...own(name),
      now,
      granted.map((one) => one.execution_id),
      keySlots,
      keys.map(({ key }) => key),
      keys.map((one) => one.granted),
      keys.map(({ head }) => head),
      keys.map((one) => one.turn),
      turn,
    ],
    'queue_grant',
  );
};

/** Keys that hold all their slots and in which somebody waits. */
export const fullKeys = async (sql: Sql, name: QueueName, limit: number): Promise<string[]> => {
  const rows = await sql.query<{ key: string }>(
    `select key from scheduler_queue_keys where workspace_id = $1 and queue = $2 and not open and head < ${DOOMED} limit $3`,
    [...own(name), limit],
    'queue_full_keys',
  );
  return rows.map(({ key }) => key);
};

/** Newcomers of these keys and whoever holds a slot of them; not those who are about to go. */
export const membersOf = (sql: Sql, name: QueueName, keys: readonly string[]): Promise<(Member & { readonly key: string })[]> =>
  sql.query<Member & { readonly key: string }>(
    `select w.execution_id, w.key, w.queued_at, w.ticket, false as holds from scheduler_waiting w
     where w.workspace_id = $1 and w.queue = $2 and w.key = any($3) and w.place >= ${NEWCOMER} and w.place < ${DOOMED}
     union all
     select l.execution_id, l.key, l.queued_at, l.ticket, true from scheduler_leases l where l.workspace_id = $1 and l.queue = $2 and l.key = any($3) and l.doom is null`,
    [...own(name), keys],
    'queue_members',
  );

/** They are about to go: whoever waits is not admitted any more, whoever holds keeps his slot until he has ended. */
export const doom = async (sql: Sql, name: QueueName, members: readonly Member[], because: Strategy, now: number): Promise<void> => {
  await sql.query(
    `with leaving as (
       update scheduler_leases set doom = $4, doomed_at = $5 where execution_id = any($3)
     )
     update scheduler_waiting w set doom = $4, doomed_at = $5, place = w.place % ${NEWCOMER} + ${DOOMED}
     where w.workspace_id = $1 and w.queue = $2 and w.execution_id = any($3)`,
    [...own(name), members.map(({ execution_id }) => execution_id), because, now],
    'queue_doom',
  );
};

/** After some of them have no hope any more: where the others of these keys begin. */
export const findHeads = async (sql: Sql, name: QueueName, keys: readonly string[]): Promise<void> => {
  await sql.query(
    `update scheduler_queue_keys k set head = u.head, open = k.open and u.head < ${DOOMED}
     from (
       select key, coalesce((
         select w.place from scheduler_waiting w where w.workspace_id = $1 and w.queue = $2 and w.key = u.key and w.place < ${DOOMED} order by w.place limit 1
       ), ${DOOMED}) as head from unnest($3::text[]) u(key)
     ) u where k.workspace_id = $1 and k.queue = $2 and k.key = u.key`,
    [...own(name), keys],
    'queue_heads',
  );
};

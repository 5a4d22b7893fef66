import type { Database, Sql } from '../database.js';

type QueueStrategy = 'queue' | 'cancel_running' | 'cancel_newest' | 'round_robin';

/** What people set of a queue. */
export interface QueueSettings {
  /** How many of its executions run at a time; null: any number. */
  readonly slots: number | null;
  /** How many of them with the same concurrency key. */
  readonly keySlots: number;
  readonly strategy: QueueStrategy;
  /** How long an execution may wait for its first slot. */
  readonly ttlSeconds: number | null;
  readonly paused: boolean;
}

/** A queue that nobody has set: keys take turns one at a time, nothing else is limited. */
const unset: QueueSettings = { slots: null, keySlots: 1, strategy: 'queue', ttlSeconds: null, paused: false };

/** A queue as set, or in use without that (`updatedBy` null), with what it holds at present. */
export interface Queue extends QueueSettings {
  readonly name: string;
  readonly held: number;
  readonly waiting: number;
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
  readonly updatedBy: string | null;
}

/** An execution that holds a slot. */
export interface QueueHolder {
  readonly executionId: string;
  /** '' without one. */
  readonly key: string;
  readonly since: number;
}

/** A change of the settings: the settings after it. */
export interface QueueChange {
  readonly at: number;
  readonly by: string;
  readonly settings: QueueSettings;
}

interface Row {
  readonly name: string;
  readonly slots: number | null;
  readonly key_slots: number | null;
  readonly strategy: QueueStrategy | null;
  readonly ttl_seconds: number | null;
  readonly paused: boolean | null;
  readonly created_at: number | null;
  readonly updated_at: number | null;
  readonly updated_by: string | null;
  readonly held: number | null;
  readonly waiting: number | null;
}

interface Setting {
  readonly workspaceId: string;
  readonly name: string;
  /** What changes; the rest stays as it is. */
  readonly settings: Partial<QueueSettings>;
  readonly by: string;
  readonly at: number;
}

const selected = `select coalesce(c.name, s.name) as name, c.slots, c.key_slots, c.strategy, c.ttl_seconds, c.paused, c.created_at, c.updated_at, c.updated_by, s.held, s.waiting
  from (select * from queues where workspace_id = $1) c full join (select * from scheduler_queues where workspace_id = $1) s on s.name = c.name`;

const queueOf = (row: Row): Queue => ({
  name: row.name,
  slots: row.slots,
  keySlots: row.key_slots ?? unset.keySlots,
  strategy: row.strategy ?? unset.strategy,
  ttlSeconds: row.ttl_seconds,
  paused: row.paused ?? false,
  held: row.held ?? 0,
  waiting: row.waiting ?? 0,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
  updatedBy: row.updated_by,
});

/**
 * `created`: nobody had set it before. Every call that changes something leaves a trace of who it was. Whoever grants slots by the settings before
 * has the lock of the queue's other row until he has committed: once this is answered, nobody is granted one by them any more.
 */
export const putQueue = (database: Database, { workspaceId, name, settings, by, at }: Setting): Promise<{ created: boolean }> =>
  database.transaction(async (sql) => {
    const [made] = await sql.query(
      `insert into queues (workspace_id, name, slots, key_slots, strategy, ttl_seconds, paused, created_at, updated_at, updated_by)
       values ($1, $2, null, $3, $4, null, false, $5, $5, $6) on conflict (workspace_id, name) do nothing returning 1`,
      [workspaceId, name, unset.keySlots, unset.strategy, at, by],
    );
    const [row] = await sql.query<Row>('select * from queues where workspace_id = $1 and name = $2 for update', [workspaceId, name]);
    if (!row) throw new Error(`Expected the row of queue '${name}', but it was not returned`);
    const { slots, keySlots, strategy, ttlSeconds, paused } = queueOf(row);
    const before: QueueSettings = { slots, keySlots, strategy, ttlSeconds, paused };
    const after: QueueSettings = { ...before, ...settings };
    const isSame = (Object.keys(before) as (keyof QueueSettings)[]).every((member) => before[member] === after[member]);
    if (isSame && !made) return { created: false };
    await sql.query('select from scheduler_queues where workspace_id = $1 and name = $2 for update', [workspaceId, name]);
    await sql.query(
      'update queues set slots = $3, key_slots = $4, strategy = $5, ttl_seconds = $6, paused = $7, updated_at = $8, updated_by = $9 where workspace_id = $1 and name = $2',
      [workspaceId, name, after.slots, after.keySlots, after.strategy, after.ttlSeconds, after.paused, at, by],
    );
    await sql.query('insert into queue_changes (workspace_id, name, at, by, settings) values ($1, $2, $3, $4, $5)', [workspaceId, name, at, by, JSON.stringify(after)]);
    return { created: made !== undefined };
  });

/** null: neither set nor in use. */
export const queueNamed = async (sql: Sql, workspaceId: string, name: string): Promise<Queue | null> => {
  const [row] = await sql.query<Row>(`${selected} where coalesce(c.name, s.name) = $2`, [workspaceId, name]);
  return row ? queueOf(row) : null;
};

/** By name, after `after`. */
export const queuesOf = async (sql: Sql, workspaceId: string, limit: number, after = ''): Promise<Queue[]> =>
  (await sql.query<Row>(`${selected} where coalesce(c.name, s.name) > $2 order by 1 limit $3`, [workspaceId, after, limit])).map(queueOf);

/** Who holds slots, longest first; of one key, where one is given; of one pod, where the asker sees no other. */
export const queueHolders = async (sql: Sql, ask: { workspaceId: string; name: string; key?: string; podId: string | null; limit: number }): Promise<QueueHolder[]> => {
  const rows = await sql.query<{ execution_id: string; key: string; granted_at: number }>(
    `select l.execution_id, l.key, l.granted_at from scheduler_leases l
     where l.workspace_id = $1 and l.queue = $2 and ($3::text is null or l.key = $3)
       and ($4::text is null or exists (select from executions e where e.id = l.execution_id::uuid and e.pod_id = $4))
     order by l.granted_at, l.execution_id limit $5`,
    [ask.workspaceId, ask.name, ask.key ?? null, ask.podId, ask.limit],
  );
  return rows.map(({ execution_id, key, granted_at }) => ({ executionId: execution_id, key, since: granted_at }));
};

/** Newest first. */
export const queueChanges = (sql: Sql, workspaceId: string, name: string, limit: number): Promise<QueueChange[]> =>
  sql.query<QueueChange>('select at, by, settings from queue_changes where workspace_id = $1 and name = $2 order by number desc limit $3', [workspaceId, name, limit]);

/** Until when an execution may wait for its first slot; null: for ever, or it does not wait. */
export const waitsUntil = async (sql: Sql, executionId: string): Promise<number | null> =>
  (await sql.query<{ expires_at: number | null }>('select expires_at from scheduler_waiting where execution_id = $1', [executionId]))[0]?.expires_at ?? null;

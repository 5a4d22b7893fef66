import type { Row, Statement, Tables } from './tables.js';

const NEWCOMER = 1_000_000_000_000_000;
const DOOMED = 2 * NEWCOMER;

const key = (...parts: unknown[]): string => parts.join(' ');
/** Arrays side by side as rows. */
const zipped = (columns: readonly string[], values: readonly unknown[]): Row[] =>
  (values[0] as unknown[]).map((_, at) => Object.fromEntries(columns.map((column, index) => [column, (values[index] as unknown[])[at]])));
const number = (value: unknown): number => value as number;
const byPlace = (a: Row, b: Row): number => number(a.place) - number(b.place) || (String(a.execution_id) < String(b.execution_id) ? -1 : 1);
const isOf = (row: Row, workspace: unknown, queue: unknown): boolean => row.workspace_id === workspace && row.queue === queue;

const settingsOf = ({ queues }: Tables, workspace: unknown, name: unknown): Row =>
  queues.get(key(workspace, name)) ?? { slots: null, key_slots: 1, ttl_seconds: null, strategy: 'queue', paused: false };

/** Noted where a grant to these keys broke what is in force when it commits. Fewer slots than are held take none away. */
const noteLimits = (tables: Tables, workspace: unknown, queue: unknown, granted: ReadonlySet<string>): void => {
  const { slots, key_slots, paused } = settingsOf(tables, workspace, queue);
  const leases = [...tables.scheduler_leases.values()].filter((row) => isOf(row, workspace, queue));
  if (slots !== null && leases.length > number(slots)) tables.overgranted.push(`queue '${String(queue)}' granted ${leases.length} of ${String(slots)} slots`);
  for (const [name, some] of Map.groupBy(leases, (row) => row.key as string))
    if (name !== '' && granted.has(name) && some.length > number(key_slots))
      tables.overgranted.push(`key '${name}' of queue '${String(queue)}' was granted ${some.length} of ${String(key_slots)} slots`);
  if (paused) tables.overgranted.push(`queue '${String(queue)}' granted while it was paused`);
};

const standings: Statement = (tables, [partition, now, ...columns], text) => {
  const { scheduler_leases: leases, scheduler_waiting: waiting, scheduler_queue_keys: keys, scheduler_queues: queues } = tables;
  const keepsNewer = text.includes("c.state <> 'held' and l.ticket < c.ticket");
  const deltas = new Map<string, { at: Row; held: number; waiting: number; head: number | null }>();
  const note = (at: Row, held: number, queued: number, place: number | null): void => {
    const id = key(at.workspace_id, at.queue, at.key);
    const delta = deltas.get(id) ?? { at, held: 0, waiting: 0, head: null };
    delta.held += held;
    delta.waiting += queued;
    if (place !== null) delta.head = Math.min(place, delta.head ?? place);
    deltas.set(id, delta);
  };
  for (const row of zipped(['execution_id', 'state', 'workspace_id', 'queue', 'key', 'ticket', 'place', 'queued_at', 'ttl_seconds'], columns)) {
    const { state, ...standing } = row;
    const id = row.execution_id as string;
    const lease = leases.get(id);
    if (lease && state !== 'held' && (!keepsNewer || number(lease.ticket) < number(row.ticket))) {
      leases.delete(id);
      note(lease, -1, 0, null);
    }
    const waits = waiting.get(id);
    if (waits && state !== 'waiting' && number(waits.ticket) <= number(row.ticket)) {
      waiting.delete(id);
      note(waits, 0, -1, null);
    }
    if (state === 'waiting' && !(number(lease?.ticket ?? -1) >= number(row.ticket))) {
      const ttl = row.ttl_seconds ?? queues.get(key(row.workspace_id, row.queue))?.ttl_seconds ?? null;
      const expires_at = number(row.place) >= NEWCOMER && ttl !== null ? number(row.queued_at) + Math.round(1000 * number(ttl)) : null;
      if (!waits) note(row, 0, 1, number(row.place));
      if (!waits || number(waits.ticket) < number(row.ticket)) waiting.set(id, { ...standing, partition, expires_at, doom: null, doomed_at: null });
    }
    if (state === 'held') {
      const { place: _place, ttl_seconds: _ttl, ...held } = standing;
      if (lease) Object.assign(lease, { confirmed: true, ticket: Math.max(number(lease.ticket), number(row.ticket)) });
      else {
        leases.set(id, { ...held, partition, granted_at: now, confirmed: true, doom: null, doomed_at: null });
        note(row, 1, 0, null);
      }
    }
  }
  for (const [id, { at, held, waiting: queued, head }] of deltas) {
    if (held === 0 && queued === 0 && head === null) continue;
    const queue = queues.get(key(at.workspace_id, at.queue)) as Row;
    const known = keys.get(id) ?? { workspace_id: at.workspace_id, queue: at.queue, key: at.key, held: 0, waiting: 0, head: DOOMED, turn: queue.turn };
    const sums = { held: number(known.held) + held, waiting: number(known.waiting) + queued, head: Math.min(number(known.head), head ?? DOOMED) };
    const turn = known.waiting === 0 ? Math.max(number(known.turn), number(queue.turn)) : known.turn;
    keys.set(id, { ...known, ...sums, turn, open: sums.head < DOOMED && (known.key === '' || sums.held < number(queue.key_slots)) });
    queue.held = number(queue.held) + held;
    queue.waiting = number(queue.waiting) + queued;
  }
  return [];
};

const grant: Statement = (tables, [workspace, queue, now, ids, keySlots, names, granted, heads, turns, turn]) => {
  const { scheduler_leases: leases, scheduler_waiting: waiting, scheduler_queue_keys: keys, scheduler_queues: queues } = tables;
  for (const id of ids as string[]) {
    const row = waiting.get(id);
    if (!row) continue;
    waiting.delete(id);
    const { place: _place, ttl_seconds: _ttl, expires_at: _expiry, ...kept } = row;
    leases.set(id, { ...kept, granted_at: now, confirmed: false, doom: null, doomed_at: null });
  }
  for (const row of zipped(['key', 'granted', 'head', 'turn'], [names, granted, heads, turns])) {
    const known = keys.get(key(workspace, queue, row.key));
    if (!known) continue;
    const held = number(known.held) + number(row.granted);
    Object.assign(known, { held, waiting: number(known.waiting) - number(row.granted), head: row.head, turn: row.turn ?? known.turn });
    known.open = number(row.head) < DOOMED && (row.key === '' || held < number(keySlots));
  }
  const sum = queues.get(key(workspace, queue)) as Row;
  const count = (ids as string[]).length;
  Object.assign(sum, { held: number(sum.held) + count, waiting: number(sum.waiting) - count, turn });
  const served = new Set((names as string[]).filter((_, at) => number((granted as unknown[])[at]) > 0));
  if (count > 0) noteLimits(tables, workspace, queue, served);
  return [];
};

const openKeys =
  (compare: (a: Row, b: Row) => number): Statement =>
  ({ scheduler_queue_keys }, [workspace, queue, limit]) =>
    [...scheduler_queue_keys.values()]
      .filter((row) => isOf(row, workspace, queue) && row.open === true)
      .sort((a, b) => compare(a, b) || (String(a.key) < String(b.key) ? -1 : 1))
      .slice(0, number(limit))
      .map(({ key: name, held, head, turn }) => ({ key: name, held, head, turn }));

const classOf = (row: Row): number => Math.floor(number(row.head) / NEWCOMER);
const isStale = (row: Row, settings: Row): boolean => row.key_slots !== settings.key_slots || row.ttl_seconds !== settings.ttl_seconds;
const ttlOf = (row: Row): number | null => (row.expires_at == null ? null : (number(row.expires_at) - number(row.queued_at)) / 1000);
const dueOf = (row: Row): Row => ({
  execution_id: row.execution_id,
  workspace_id: row.workspace_id,
  queue: row.queue,
  ticket: row.ticket,
  doom: row.doom ?? null,
  ttl_seconds: ttlOf(row),
});
const doomed = (row: Row, because: unknown, at: unknown): void =>
  void Object.assign(row, { doom: because, doomed_at: at, ...(row.place === undefined ? {} : { place: (number(row.place) % NEWCOMER) + DOOMED }) });

/** The statements of queues, by name. Those of `queueLocks` are part of transactions only. */
export const queueStatements: Readonly<Record<string, Statement>> = {
  queues_make: (tables, columns) => {
    for (const { workspace_id, name } of zipped(['workspace_id', 'name'], columns)) {
      const { key_slots, ttl_seconds } = settingsOf(tables, workspace_id, name);
      const id = key(workspace_id, name);
      if (!tables.scheduler_queues.has(id)) tables.scheduler_queues.set(id, { workspace_id, name, held: 0, waiting: 0, turn: 0, key_slots, ttl_seconds });
    }
    return [];
  },
  queues_lock: ({ scheduler_queues }, columns) => zipped(['workspace_id', 'name'], columns).filter(({ workspace_id, name }) => scheduler_queues.has(key(workspace_id, name))),
  queues_standings: standings,
  queue_lock: ({ scheduler_queues }, [workspace, name]) => {
    const row = scheduler_queues.get(key(workspace, name));
    return row ? [{ held: row.held, waiting: row.waiting, turn: row.turn }] : [];
  },
  queue_settings: (tables, [workspace, name]) => {
    const row = tables.scheduler_queues.get(key(workspace, name));
    const { slots, key_slots, ttl_seconds, strategy, paused } = settingsOf(tables, workspace, name);
    return row ? [{ slots, key_slots, ttl_seconds, strategy, paused, stale: isStale(row, settingsOf(tables, workspace, name)) }] : [];
  },
  queue_adopt: (tables, [workspace, name, key_slots, ttl_seconds]) => {
    Object.assign(tables.scheduler_queues.get(key(workspace, name)) as Row, { key_slots, ttl_seconds });
    for (const row of tables.scheduler_waiting.values())
      if (isOf(row, workspace, name) && number(row.place) >= NEWCOMER && row.ttl_seconds === null)
        row.expires_at = ttl_seconds === null ? null : number(row.queued_at) + 1000 * number(ttl_seconds);
    for (const row of tables.scheduler_queue_keys.values())
      if (isOf(row, workspace, name) && row.key !== '' && number(row.held) > 0) row.open = number(row.head) < DOOMED && number(row.held) < number(key_slots);
    return [];
  },
  queue_keys_place: openKeys((a, b) => number(a.head) - number(b.head)),
  queue_keys_turns: openKeys((a, b) => classOf(a) - classOf(b) || number(a.turn) - number(b.turn) || number(a.head) - number(b.head)),
  queue_first: ({ scheduler_waiting }, [workspace, queue, names, heads, most]) =>
    zipped(['key', 'head', 'most'], [names, heads, most]).flatMap((one) =>
      [...scheduler_waiting.values()]
        .filter((row) => isOf(row, workspace, queue) && row.key === one.key && number(row.place) >= number(one.head) && number(row.place) < DOOMED)
        .sort(byPlace)
        .slice(0, number(one.most))
        .map(({ execution_id, workspace_id, key: name, ticket, place }) => ({ execution_id, workspace_id, key: name, ticket, place })),
    ),
  queue_grant: grant,
  queue_full_keys: ({ scheduler_queue_keys }, [workspace, queue, limit]) =>
    [...scheduler_queue_keys.values()]
      .filter((row) => isOf(row, workspace, queue) && row.open !== true && number(row.head) < DOOMED)
      .slice(0, number(limit))
      .map((row) => ({ key: row.key })),
  queue_members: ({ scheduler_waiting, scheduler_leases }, [workspace, queue, names]) => {
    const isMember = (row: Row): boolean => isOf(row, workspace, queue) && (names as string[]).includes(row.key as string);
    const as = (holds: boolean) => (row: Row) => ({ execution_id: row.execution_id, key: row.key, queued_at: row.queued_at, ticket: row.ticket, holds });
    return [
      ...[...scheduler_waiting.values()].filter((row) => isMember(row) && number(row.place) >= NEWCOMER && number(row.place) < DOOMED).map(as(false)),
      ...[...scheduler_leases.values()].filter((row) => isMember(row) && row.doom === null).map(as(true)),
    ];
  },
  queue_doom: ({ scheduler_waiting, scheduler_leases }, [, , ids, because, at]) => {
    for (const id of ids as string[])
      for (const rows of [scheduler_waiting, scheduler_leases]) {
        const row = rows.get(id);
        if (row) doomed(row, because, at);
      }
    return [];
  },
  queue_heads: ({ scheduler_waiting, scheduler_queue_keys }, [workspace, queue, names]) => {
    for (const name of names as string[]) {
      const row = scheduler_queue_keys.get(key(workspace, queue, name));
      const places = [...scheduler_waiting.values()].filter((one) => isOf(one, workspace, queue) && one.key === name && number(one.place) < DOOMED).map((one) => number(one.place));
      if (row) Object.assign(row, { head: Math.min(DOOMED, ...places), open: row.open === true && places.length > 0 });
    }
    return [];
  },
  queues_due: (tables) =>
    [...tables.scheduler_queues.values()].flatMap((row) => {
      const settings = settingsOf(tables, row.workspace_id, row.name);
      const keys = [...tables.scheduler_queue_keys.values()].filter((one) => isOf(one, row.workspace_id, row.name));
      const hasRoom = settings.slots === null || number(row.held) < number(settings.slots);
      const ends = settings.strategy === 'cancel_running' || settings.strategy === 'cancel_newest';
      const isEnding = ends && keys.some((one) => (one.open !== true && number(one.head) < DOOMED) || (one.key === '' && one.open === true));
      const mayGrant = (hasRoom && keys.some((one) => one.open === true)) || isEnding;
      return number(row.waiting) > 0 && (isStale(row, settings) || (settings.paused !== true && mayGrant)) ? [{ workspace_id: row.workspace_id, name: row.name }] : [];
    }),
  queues_expire: ({ scheduler_waiting }, [now, limit]) => {
    const late = [...scheduler_waiting.values()].filter((row) => row.expires_at !== null && number(row.expires_at) <= number(now) && row.doom === null).slice(0, number(limit));
    for (const row of late) doomed(row, 'expired', now);
    return late.map(dueOf);
  },
  queues_unanswered: ({ scheduler_waiting, scheduler_leases }, [partition, dueBy, limit]) => {
    const some = (rows: Map<string, Row>, isDue: (row: Row) => boolean): Row[] =>
      [...rows.values()].filter((row) => row.partition === partition && isDue(row)).slice(0, number(limit));
    const isDoomed = (row: Row): boolean => row.doom !== null && number(row.doomed_at) <= number(dueBy);
    return [
      ...some(scheduler_leases, (row) => row.confirmed !== true && number(row.granted_at) <= number(dueBy)).map((row) => ({ ...dueOf(row), doom: null })),
      ...some(scheduler_leases, isDoomed).map(dueOf),
      ...some(scheduler_waiting, isDoomed).map(dueOf),
    ];
  },
  queues_reached: ({ scheduler_progress }) => [...scheduler_progress].map(([partition, { next_offset }]) => ({ partition, next_offset })),
  queues_sweep_keys: ({ scheduler_queue_keys }) => {
    for (const [id, row] of scheduler_queue_keys) if (row.held === 0 && row.waiting === 0) scheduler_queue_keys.delete(id);
    return [];
  },
};

/** What a statement of a transaction locks before it reads, in order. */
export const queueLocks: Readonly<Record<string, (values: readonly unknown[]) => string[]>> = {
  queues_lock: (columns) => zipped(['workspace_id', 'name'], columns).map(({ workspace_id, name }) => `queue ${String(workspace_id)} ${String(name)}`),
  queue_lock: ([workspace, name]) => [`queue ${String(workspace)} ${String(name)}`],
};

/** They read under a lock, before the transaction writes. */
export const queueReads: ReadonlySet<string> = new Set(['queue_settings', 'queue_keys_place', 'queue_keys_turns', 'queue_first', 'queue_full_keys', 'queue_members']);

import type { Database, Sql } from '@runlog/read-model';
import { choose, outdated, type Waiting } from './choosing.js';
import { adoptSettings, doom, findHeads, firstOfKeys, fullKeys, grant, type LockedQueue, lockQueue, type Member, membersOf, openKeys } from './granting-sql.js';
import type { QueueName } from './standings-sql.js';

/** As many as one transaction admits, looks through or ends. */
const AT_ONCE = 100;

/** What a transaction decided: who is admitted, who has to go. */
export interface Granted {
  readonly admitted: readonly Waiting[];
  readonly doomed: readonly Member[];
  readonly strategy: LockedQueue['strategy'];
  /** Perhaps more can be done at once. */
  readonly more: boolean;
}

const nothing: Granted = { admitted: [], doomed: [], strategy: 'queue', more: false };

/**
 * Grants the free slots of a queue, and ends whom its strategy ends, in one transaction under the lock of its row. Its cost depends on how
 * many are granted, never on how many wait.
 */
export const grantSlots = (database: Pick<Database, 'transaction'>, name: QueueName, now: number): Promise<Granted> =>
  database.transaction(async (sql) => {
    const queue = await lockQueue(sql, name);
    if (!queue) return nothing;
    if (queue.stale) {
      await adoptSettings(sql, name, queue);
      return { ...nothing, more: true };
    }
    if (queue.paused || queue.waiting === 0) return nothing;
    const { strategy, key_slots } = queue;
    const free = queue.slots === null ? AT_ONCE : queue.slots - queue.held;
    const room = Math.min(free, AT_ONCE);
    const roundRobin = strategy === 'round_robin';
    const keys = room > 0 ? await openKeys(sql, name, roundRobin, room) : [];
    if (keys.length > 0) {
      const wanted = keys.map((key) => ({ ...key, most: 1 + Math.min(room, key.key === '' ? room : key_slots - key.held) }));
      const waiting = await firstOfKeys(sql, name, wanted);
      // A head at which nobody stands any more may hide a key that comes first: heads are put right, and then somebody is chosen.
      const isHidden = keys.length === room && keys.some(({ key, head }) => waiting.every((one) => one.key !== key || one.place !== head));
      const choice = choose(keys, waiting, isHidden ? 0 : room, key_slots, roundRobin, queue.turn);
      if (choice.keys.length > 0) await grant(sql, name, choice, key_slots, now);
      const more = isHidden || choice.granted.length === AT_ONCE || strategy.startsWith('cancel');
      if (isHidden || choice.granted.length > 0) return { admitted: choice.granted, doomed: [], strategy, more };
    }
    return strategy === 'cancel_running' || strategy === 'cancel_newest' ? { ...nothing, ...(await end(sql, name, queue, now)), strategy } : nothing;
  });

/** Whoever finds all slots of his key taken (without a key: those of the queue) is ended, or ends those before him. */
const end = async (sql: Sql, name: QueueName, queue: LockedQueue, now: number): Promise<Pick<Granted, 'doomed' | 'more'>> => {
  const full = await fullKeys(sql, name, AT_ONCE);
  const isFull = queue.slots !== null && queue.held >= queue.slots;
  const keys = isFull ? [...full, ''] : full;
  if (keys.length === 0) return { doomed: [], more: false };
  const members = Map.groupBy(await membersOf(sql, name, keys), ({ key }) => key);
  const doomed = [...members].flatMap(([key, some]) => {
    if (queue.strategy === 'cancel_newest') return some.filter(({ holds }) => !holds);
    return some.every(({ holds }) => holds) ? [] : outdated(some, key === '' ? (queue.slots ?? some.length) : queue.key_slots);
  });
  if (doomed.length === 0) return { doomed, more: false };
  await doom(sql, name, doomed, queue.strategy, now);
  await findHeads(sql, name, keys);
  return { doomed, more: full.length === AT_ONCE };
};

import { setTimeout as delay } from 'node:timers/promises';
import { type Database, migrationNames, type Sql } from '@runlog/read-model';
import { storedPositions } from '../projection/position-store.js';
import { BESIDE, FORMER, rebuiltTables } from './beside.js';

/** How long a swap may hold up reads while it waits for one that is at work; longer at each further attempt, so that even a vacuum gives way. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4_000;
const PAUSE_MS = 500;
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK = '40P01';

export interface Swapped {
  /** How long the live projection stood still. */
  readonly heldMs: number;
  /** How long reads may have waited. */
  readonly readsHeldMs: number;
}

/**
 * Puts the built tables in the place of the live ones, in one transaction. Writers are held first, at the table that each of their
 * statements begins with, and the rest is caught up; readers only for the exchange of names. Tried again while a reader won't let go.
 *
 * @param level brings what was built to the log's end, and at least to where the live one stands by now
 */
export const swap = async (database: Database, level: () => Promise<void>, onWait: () => void, beforeCommit: () => unknown): Promise<Swapped> => {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      return await database.transaction((sql) => exchange(sql, waitMs, level, beforeCommit));
    } catch (cause) {
      const { code } = cause as { code?: string };
      if (code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK) throw cause;
      onWait();
      await delay(PAUSE_MS + waitMs);
    }
  }
};

const exchange = async (sql: Sql, waitMs: number, level: () => Promise<void>, beforeCommit: () => unknown): Promise<Swapped> => {
  await sql.query(`set local lock_timeout = ${LONGEST_WAIT_MS}`);
  const begun = performance.now();
  await sql.query('lock table public.projection_progress, public.projection_quarantine in share row exclusive mode');
  await level();
  await sql.query(`set local lock_timeout = ${waitMs}`);
  const readsHeld = performance.now();
  await sql.query(`lock table ${rebuiltTables.map((table) => `public.${table}`).join(', ')} in access exclusive mode`);
  await expectSameShape(sql);
  await sql.query(`create schema ${FORMER}`);
  for (const table of rebuiltTables) {
    await sql.query(`alter table public.${table} set schema ${FORMER}`);
    await sql.query(`alter table ${BESIDE}.${table} set schema public`);
  }
  await takeOver(sql);
  await beforeCommit();
  const now = performance.now();
  return { heldMs: now - begun, readsHeldMs: now - readsHeld };
};

/** Progress and quarantine come along. The new generation makes whoever projects drop what it holds of the former rows, even at the same offset. */
const takeOver = async (sql: Sql): Promise<void> => {
  const generation = Math.max(0, ...(await storedPositions(sql, 'executions')).map((row) => row.generation)) + 1;
  const progress = 'projection, topic_id, partition, "offset", claim, previous, updated_at';
  const quarantine = 'projection, execution_id, partition, "offset", claim, cause, at';
  await sql.query(`delete from public.projection_progress where projection = 'executions'`);
  await sql.query(`insert into public.projection_progress (${progress}, generation) select ${progress}, $1 from ${BESIDE}.projection_progress where projection = 'executions'`, [
    generation,
  ]);
  await sql.query(`delete from public.projection_quarantine where projection = 'executions'`);
  await sql.query(`insert into public.projection_quarantine (${quarantine}) select ${quarantine} from ${BESIDE}.projection_quarantine where projection = 'executions'`);
};

/** A newer version may have migrated meanwhile: what was built lacks that. */
const expectSameShape = async (sql: Sql): Promise<void> => {
  const applied = await sql.query<{ name: string }>('select name from public.migrations');
  const unknown = applied.filter(({ name }) => !migrationNames.includes(name));
  if (unknown.length > 0)
    throw new Error(
      `Expected to swap in tables of this version, but the database has been migrated further (${unknown.map(({ name }) => name).join(', ')}); rebuild with that version`,
    );
};

import { setTimeout as pause } from 'node:timers/promises';
import type { SessionPlace, TurnView } from '@runlog/contract';
import type { Json } from '@runlog/workflow';
import type { Sql } from '../database.js';
import { turnsOf } from './turns.js';
import { wordsOfAgent, wordsOfUser } from './words.js';

const PAGE = 20;
const LOOK_MS = 20;
const MOST_REPLAYS = 100;

/** What somebody said in a session. */
export interface SaidInSession {
  readonly role: 'user' | 'assistant';
  readonly content: string;
}

type Reference = NonNullable<TurnView['input_ref']>;

interface Ask {
  readonly workspaceId: string;
  readonly sessionId: string;
  /** The one that asks: it has what was said before it, in its pod. A replay has what its source had. */
  readonly executionId: string;
  /** Reading ends with the first message that goes beyond so many characters. */
  readonly maxChars: number;
}

interface Around {
  /** Where `execution-events` ends, by partition: whoever was answered before now is below. */
  ends(): Promise<readonly number[]>;
  /** A body that is stored elsewhere. */
  read(workspaceId: string, reference: Reference): Promise<Json>;
  readonly signal: AbortSignal;
}

/**
 * The newest messages of a session, oldest first: what users said and agents answered in executions that have completed. Waits for the read
 * models to hold what was on the log when it was asked; rejects with the signal's reason when it aborts first.
 */
export const sessionHistory = async (sql: Sql, { workspaceId, sessionId, executionId, maxChars }: Ask, { ends, read, signal }: Around): Promise<readonly SaidInSession[]> => {
  await projectedTo(sql, await ends(), signal);
  const own = await placeOf(sql, workspaceId, executionId);
  if (!own) return [];
  const said: SaidInSession[] = [];
  let left = maxChars;
  for (let before = own.place; left >= 0; ) {
    const turns = await turnsOf(sql, { workspaceId, sessionId, podId: own.podId, status: 'completed', before, limit: PAGE });
    for (const turn of turns) {
      // A character has four bytes at most: what can't fit is not fetched.
      if (((turn.input_ref?.bytes ?? 0) + (turn.output_ref?.bytes ?? 0)) / 4 > left) return said.reverse();
      const answer = wordsOfAgent(turn.output_ref ? await read(workspaceId, turn.output_ref) : turn.output);
      const asked = wordsOfUser(turn.input_ref ? await read(workspaceId, turn.input_ref) : turn.input);
      said.push({ role: 'assistant', content: answer }, { role: 'user', content: asked });
      left -= answer.length + asked.length;
      if (left < 0) break;
    }
    const last = turns.at(-1);
    if (!last || turns.length < PAGE) break;
    before = { at: last.created_at, id: last.execution_id };
  }
  return said.reverse();
};

const projectedTo = async (sql: Sql, ends: readonly number[], signal: AbortSignal): Promise<void> => {
  for (;;) {
    const rows = await sql.query<{ partition: number; offset: number }>(
      `select partition, "offset" from projection_progress where projection = 'executions'`,
      [],
      'session-progress',
    );
    const reached = new Map(rows.map(({ partition, offset }) => [partition, offset]));
    if (ends.every((end, partition) => (reached.get(partition) ?? 0) >= end)) return;
    await pause(LOOK_MS, undefined, { signal });
  }
};

/** Where an execution stands in its session. */
const placeOf = async (sql: Sql, workspaceId: string, executionId: string): Promise<{ readonly place: SessionPlace; readonly podId: string } | null> => {
  let id = executionId;
  for (let replays = 0; replays < MOST_REPLAYS; replays++) {
    const [row] = await sql.query<{ at: number; pod_id: string; replay_of: string | null }>(
      'select created_at as at, pod_id, replay_of from executions where id = $1 and workspace_id = $2',
      [id, workspaceId],
      'place-in-session',
    );
    if (!row) return null;
    if (row.replay_of === null) return { place: { at: row.at, id }, podId: row.pod_id };
    id = row.replay_of;
  }
  return null;
};

import type { DecodedEvent, LogRecord } from '@runlog/event-log';
import type { Database } from '@runlog/read-model';
import { type Changes, Poison } from './changes.js';
import type { StoredPosition } from './position-store.js';
import { writeChanges } from './write-changes.js';

/** PostgreSQL refused the values themselves (data exception, constraint, a limit): the same values will be refused again. */
export const breaksOnData = (cause: unknown): boolean => /^(22|23|54)/.test((cause as { code?: string } | null)?.code ?? '');

/** An accepted event with the record that it came in. */
export interface Occurrence {
  readonly event: DecodedEvent;
  readonly record: LogRecord;
}

class RolledBack extends Error {}

/** Tries each execution of a batch on its own, writing nothing, and gives those that PostgreSQL refuses. */
export const culprits = async (
  database: Database,
  from: StoredPosition,
  events: readonly Occurrence[],
  fold: (events: readonly Occurrence[]) => Promise<Changes>,
): Promise<Poison[]> => {
  const found: Poison[] = [];
  for (const [executionId, own] of Map.groupBy(events, ({ event }) => event.executionId)) {
    const changes = await fold(own);
    const attempt = database.transaction(async (sql) => {
      await writeChanges(sql, changes, from, { ...from, offset: from.offset + 1 });
      throw new RolledBack();
    });
    await attempt.catch((cause: unknown) => {
      if (cause instanceof RolledBack) return;
      if (!breaksOnData(cause)) throw cause;
      found.push(new Poison(executionId, own[0]?.record.offset ?? from.offset, cause));
    });
  }
  return found;
};

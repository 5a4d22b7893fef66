import type { Bodies } from '@runlog/artifacts';
import type { EventLog } from '@runlog/event-log';
import { type Sql, saidBefore, sessionHistory } from '@runlog/read-model';
import type { AgentMemory } from './agency.js';

const EVENTS = 'execution-events';

/** What agents know of what came before, from the read models. */
export const storedMemory = (sql: Sql, log: Pick<EventLog, 'end' | 'partitions'>, bodies: Bodies): AgentMemory => ({
  saidBefore: ({ workspaceId, executionId, node, attempt }, signal) => saidBefore(sql, { workspaceId, executionId, node, attempt }, signal),
  history: ({ workspaceId, executionId }, sessionId, maxChars, signal) =>
    sessionHistory(
      sql,
      { workspaceId, executionId, sessionId, maxChars },
      {
        ends: () => Promise.all(Array.from({ length: log.partitions(EVENTS) }, (_, partition) => log.end(EVENTS, partition))),
        read: (workspace, reference) => bodies.json(workspace, reference),
        signal,
      },
    ),
});

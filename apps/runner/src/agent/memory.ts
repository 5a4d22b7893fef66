import { type Sql, saidBefore } from '@runlog/read-model';
import type { AgentMemory } from './agency.js';

/** What agents know of what came before, from the read models. */
export const storedMemory = (sql: Sql): AgentMemory => ({
  saidBefore: ({ workspaceId, executionId, node, attempt }, signal) => saidBefore(sql, { workspaceId, executionId, node, attempt }, signal),
  history: async () => [],
});

import type { ExecutionCommand, Instant } from '@runlog/execution';
import type { Due } from './looking-sql.js';

/** The command to somebody who was chosen, or who has to go. Its id is derived: sent again it is the same command. */
export const commandTo = ({ execution_id, workspace_id, queue, ticket, doom, ttl_seconds }: Due, at: Instant): ExecutionCommand => {
  const common = { executionId: execution_id, workspaceId: workspace_id, at };
  if (doom === null) return { ...common, type: 'AdmitExecution', id: `admit:${execution_id}:${ticket}`, ticket };
  if (doom === 'expired') return { ...common, type: 'ExpireInQueue', id: `expire:${execution_id}:${ticket}`, ticket, ttlSeconds: ttl_seconds ?? 0 };
  const reason = doom === 'cancel_newest' ? `no slot was free in queue '${queue}'` : `a newer one came to queue '${queue}'`;
  return { ...common, type: 'CancelExecution', id: `make-room:${execution_id}:${ticket}`, by: `system:${doom}`, reason };
};

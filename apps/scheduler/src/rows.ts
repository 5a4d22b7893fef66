import type { ExecutionId, NodeId, QueueStanding, WorkflowVersionId, WorkspaceId } from '@runlog/execution';
import type { ArmedTimer, OpenAttempt, RunClock, Slot } from './watched.js';

/** An execution's own row. */
interface ExecutionRow {
  readonly executionId: ExecutionId;
  readonly workspaceId: WorkspaceId;
  readonly workflowVersionId: WorkflowVersionId | null;
  readonly cancelling: boolean;
  readonly clock: RunClock | null;
  readonly standing: QueueStanding | null;
}

/** An execution with all of its rows. */
export interface StoredExecution extends ExecutionRow {
  readonly timers: readonly ArmedTimer[];
  readonly attempts: readonly OpenAttempt[];
}

/** What one flush writes. No row is in two of the lists. */
export interface Changes {
  readonly executions: ExecutionRow[];
  readonly timers: { readonly executionId: ExecutionId; readonly armed: ArmedTimer }[];
  readonly attempts: { readonly executionId: ExecutionId; readonly attempt: OpenAttempt }[];
  readonly goneTimers: { readonly executionId: ExecutionId; readonly slot: Slot }[];
  readonly goneAttempts: { readonly executionId: ExecutionId; readonly node: NodeId }[];
  /** Where executions of queues stand now; also of those that have ended. */
  readonly standings: QueueStanding[];
  /** All their rows go. */
  readonly ended: ExecutionId[];
}

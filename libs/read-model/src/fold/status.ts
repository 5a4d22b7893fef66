import type { ExecutionStatus } from '@runlog/contract';
import type { ExecutionDraft } from './draft.js';

const terminal: ReadonlySet<ExecutionStatus> = new Set(['completed', 'failed', 'cancelled', 'rejected']);

export const isTerminalStatus = (status: ExecutionStatus): boolean => terminal.has(status);

/**
 * Changes the status and books the time since the last change: active while running, suspended at any other time after the start.
 * A clock that went backwards counts as standing still, so that completed_at - created_at = queued + active + suspended always.
 */
export const turn = (view: ExecutionDraft, status: ExecutionStatus, at: number, reason: string | null = null): void => {
  const now = Math.max(at, view.status_since);
  const passed = now - view.status_since;
  if (view.status === 'running') view.active_ms += passed;
  else if (view.started_at !== null) view.suspended_ms += passed;
  if (status === 'running') view.started_at ??= now;
  if (isTerminalStatus(status)) view.completed_at = now;
  if (status === 'cancelled') view.cancelled_at = now;
  view.status = status;
  view.status_reason = reason;
  view.status_since = now;
};

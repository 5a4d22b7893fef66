import type { Applied, Execution, ExecutionCommand, NodeId, Reply } from '@runlog/execution';

type StopSignal = Extract<Reply, { type: 'stop' }>;
type Addressed = { readonly runner: string; readonly signal: StopSignal };

const nobody: readonly Addressed[] = [];

/**
 * Whom an event stops, asked before it is applied: the runners of nodes that run when a cancel is asked for, when the execution ends
 * around them, or when the scheduler's clock ends them. A lost attempt has nobody who would listen.
 */
export const stopSignals = (event: Applied, command: ExecutionCommand, execution: Execution): readonly Addressed[] => {
  switch (event.type) {
    case 'CancelRequested':
      return event.data.running.flatMap((node) => stop(execution, node, 'cancelled'));
    case 'NodeStopped':
      return event.data.acknowledged || command.type === 'LoseAttempt' ? nobody : stop(execution, event.data.node_id, execution.cancel ? 'cancelled' : 'ended');
    case 'NodeFailed':
      return command.type === 'FireTimer' ? stop(execution, event.data.node_id, 'timed_out') : nobody;
    default:
      return nobody;
  }
};

/** The same again for an execution whose cancel may have been asked for just before its owner died. */
export const stopSignalsDue = (execution: Execution): Addressed[] => (execution.cancel ? [...execution.active].flatMap((node) => stop(execution, node, 'cancelled')) : []);

const stop = (execution: Execution, node: NodeId, reason: StopSignal['reason']): Addressed[] => {
  const state = execution.nodes.get(node);
  if (state?.status !== 'running' || state.runner === null) return [];
  const { id: executionId, workspaceId } = execution;
  return [{ runner: state.runner, signal: { type: 'stop', executionId, workspaceId, node, attempt: state.attempt, reason } }];
};

import type { Workflow } from '@runlog/workflow';
import { backoff } from './backoff.js';
import type { CommandOf, ExecutionCommand, NodeError } from './commands.js';
import type { Decision } from './decide.js';
import { resumed } from './decide-gates.js';
import { told } from './decide-records.js';
import { effectUnknown, intended, recorded } from './effects.js';
import type { EventData, ExecutionEvent } from './events.js';
import { type Execution, isTerminal, type NodeState } from './execution.js';
import type { CommandId, NodeId, RunnerId } from './ids.js';
import { refuse } from './refusal.js';
import type { Rejection } from './rejection.js';
import { ranTooLong } from './time-limit.js';

/** After so many silent runners the node itself is the suspect. */
const maxLosses = 5;

export type Report = ExecutionCommand & { readonly node: NodeId; readonly attempt: number; readonly runner: RunnerId; readonly begunBy?: CommandId };

export const startNode = (command: CommandOf<'StartNode'>, execution: Execution, workflow: Workflow): Decision => {
  const node = execution.nodes.get(command.node);
  if (isTerminal(execution.status)) return refuse(command, execution, 'InvalidState', 'execution_ended', `it is ${execution.status} already`);
  if (execution.cancel) return refuse(command, execution, 'InvalidState', 'cancel_requested', 'it is being cancelled');
  if (node?.attempt === command.attempt && node.status === 'running' && node.runner === command.runner) return [];
  if (node?.attempt !== command.attempt || node.status !== 'scheduled')
    return refuse(command, execution, 'InvalidState', 'attempt_taken', `attempt ${command.attempt} of node '${command.node}' ${standing(node)}`);
  return [
    { type: 'NodeStarted', data: { node_id: command.node, attempt: command.attempt, runner: command.runner } },
    ...intended(execution, workflow, command.node, command.attempt),
  ];
};

export const completeNode = (command: CommandOf<'CompleteNode'>, execution: Execution, workflow: Workflow): Decision => {
  const isLate = isLateReceipt(command, execution);
  const node = isLate ? undefined : running(command, execution);
  if (node && 'rejected' in node) return node;
  const events = told(command.records, command, execution);
  events.push(...recorded(execution, workflow, command.node, command.attempt, execution.cancel ? command : undefined));
  if (execution.cancel) events.push(acknowledged(command, 'finished'));
  else {
    if (isLate) events.push(...resumed(execution));
    events.push({ type: 'NodeCompleted', data: completionOf(command) });
  }
  return events;
};

const completionOf = ({ node: node_id, attempt, output, outputRef, branch }: CommandOf<'CompleteNode'>): EventData['NodeCompleted'] => {
  const completion = { node_id, attempt, output };
  if (!outputRef && branch === undefined) return completion;
  return { ...completion, ...(outputRef ? { output_ref: outputRef } : {}), ...(branch === undefined ? {} : { branch }) };
};

export const failNode = (command: CommandOf<'FailNode'>, execution: Execution, workflow: Workflow): Decision => {
  const node = running(command, execution);
  if ('rejected' in node) return node;
  const calls = told(command.records, command, execution);
  if (execution.cancel) return [...calls, acknowledged(command, 'finished')];
  return [...calls, ...failed(command, command.node, node, command.error, execution, workflow)];
};

/** The runner's time-out was missed (or is longer than a minute): the scheduler's timer says so. */
export const timeOutNode = (command: CommandOf<'FireTimer'>, timer: { readonly node: NodeId; readonly attempt: number }, execution: Execution, workflow: Workflow): Decision => {
  const node = execution.nodes.get(timer.node);
  if (node?.status !== 'running' || node.attempt !== timer.attempt)
    return refuse(command, execution, 'InvalidState', 'timer_settled', `attempt ${timer.attempt} of node '${timer.node}' ${standing(node)}`);
  if (execution.cancel) return refuse(command, execution, 'InvalidState', 'cancel_requested', 'it is being cancelled');
  const definition = workflow.nodes.get(timer.node);
  const error: NodeError = { code: 'timed_out', message: ranTooLong(definition?.timeoutMs ?? 0, definition?.agent ?? null), retryable: true };
  return failed(command, timer.node, node, definition?.effect ? { ...error, effect: 'unknown' } : error, execution, workflow);
};

export const stopNode = (command: CommandOf<'StopNode'>, execution: Execution): Decision => {
  const node = running(command, execution);
  if ('rejected' in node) return node;
  if (!execution.cancel) return refuse(command, execution, 'InvalidState', 'not_stopping', 'nobody asked to stop it');
  return [...told(command.records, command, execution), acknowledged(command, 'stopped')];
};

export const loseAttempt = (command: CommandOf<'LoseAttempt'>, execution: Execution, workflow: Workflow): Decision => {
  const node = running(command, execution);
  if ('rejected' in node) return node;
  const attempt = { node_id: command.node, attempt: command.attempt };
  const lost: ExecutionEvent = { type: 'AttemptLost', data: { ...attempt, runner: command.runner, because: command.because } };
  if (execution.cancel) return [lost, { type: 'NodeStopped', data: { ...attempt, acknowledged: false, outcome: 'unknown' } }];
  const definition = workflow.nodes.get(command.node)?.definition;
  if (workflow.nodes.get(command.node)?.effect?.asks) return [lost, effectUnknown(execution, command.node, command.attempt, command.because)];
  if (node.losses + 1 >= maxLosses) {
    const message = `The node's runner was lost ${maxLosses} times in a row`;
    return [lost, { type: 'NodeFailed', data: { ...attempt, error: { code: 'attempt_lost', message, retryable: false }, final: true } }];
  }
  return [lost, { type: 'NodeScheduled', data: { node_id: command.node, attempt: command.attempt + 1, kind: definition?.type ?? '' } }];
};

export const acknowledged = (command: CommandOf<'CompleteNode' | 'FailNode' | 'StopNode' | 'ParkNode'>, outcome: 'stopped' | 'finished'): ExecutionEvent => ({
  type: 'NodeStopped',
  data: { node_id: command.node, attempt: command.attempt, acknowledged: true, outcome, ...(command.signalledAt === undefined ? {} : { signalled_at: command.signalledAt }) },
});

/** No event: the owner sends the task again when this is not refused. */
export const remindNode = (command: CommandOf<'RemindNode'>, execution: Execution): Decision => {
  const node = execution.nodes.get(command.node);
  if (node?.status === 'scheduled' && node.attempt === command.attempt && !execution.cancel) return [];
  return refuse(command, execution, 'InvalidState', 'attempt_taken', `attempt ${command.attempt} of node '${command.node}' ${standing(node)}`);
};

const failed = (command: ExecutionCommand, id: NodeId, node: NodeState, error: NodeError, execution: Execution, workflow: Workflow): ExecutionEvent[] => {
  const { retry: policy, effect } = workflow.nodes.get(id) ?? {};
  if (effect?.asks && error.effect === 'unknown')
    return [{ type: 'NodeFailed', data: { node_id: id, attempt: node.attempt, error, final: false } }, effectUnknown(execution, id, node.attempt, error.message)];
  const mayRepeat = effect?.class !== 'at_most_once' || error.effect === 'none';
  const again = policy && mayRepeat && error.retryable && !policy.non_retryable?.includes(error.code) && node.failures + 1 < policy.max_attempts;
  const event: ExecutionEvent = { type: 'NodeFailed', data: { node_id: id, attempt: node.attempt, error, final: !again } };
  if (!again) return [event];
  const wait = Math.max(backoff(policy, node.failures + 1, `${command.executionId}:${id}:${node.attempt}`), error.retry_after_ms ?? 0);
  return [event, { type: 'NodeRetryScheduled', data: { node_id: id, attempt: node.attempt + 1, retry_at: command.at + wait } }];
};

/** The runner of an attempt that was given up says after all what became of it, and no other attempt has begun: so nobody need repeat it. */
const isLateReceipt = (command: CommandOf<'CompleteNode'>, execution: Execution): boolean => {
  const node = execution.nodes.get(command.node);
  const isOpen = node?.status === 'waiting' || node?.status === 'scheduled' || execution.ready.has(command.node);
  return isOpen && !isTerminal(execution.status) && !execution.cancel && node?.unanswered?.attempt === command.attempt && node.unanswered.runner === command.runner;
};

/**
 * The node, if this report's attempt is the one that runs and belongs to the reporting runner. An attempt begun ahead may have been begun
 * twice by the same runner, first on a result that was refused: only the one whose intent was accepted counts.
 */
export const running = (command: Report, execution: Execution): NodeState | Rejection => {
  if (isTerminal(execution.status)) return refuse(command, execution, 'InvalidState', 'execution_ended', `it is ${execution.status} already`);
  const node = execution.nodes.get(command.node);
  const isBegun = command.begunBy === undefined || command.begunBy === node?.startedBy;
  if (node?.status === 'running' && node.attempt === command.attempt && node.runner === command.runner && isBegun) return node;
  return refuse(command, execution, 'InvalidState', 'attempt_over', `attempt ${command.attempt} of node '${command.node}' ${standing(node)}`);
};

const standing = (node: NodeState | undefined): string => {
  if (!node || node.attempt === 0) return 'was never scheduled';
  return `is over or not this runner's: the node is ${node.status}, attempt ${node.attempt}${node.runner ? ` on runner ${node.runner}` : ''}`;
};

import type { Workflow } from '@runlog/workflow';
import type { CommandOf, ExecutionCommand } from './commands.js';
import { expireGate, remindGate, respond } from './decide-gates.js';
import { completeNode, failNode, loseAttempt, remindNode, startNode, stopNode, timeOutNode } from './decide-nodes.js';
import { admission, admit, expireInQueue, failAdmission } from './decide-queue.js';
import { retry } from './decide-retry.js';
import { parkNode, takeStep } from './decide-steps.js';
import { takenOver } from './effects.js';
import type { ExecutionEvent } from './events.js';
import { type Execution, isTerminal } from './execution.js';
import { refuse } from './refusal.js';
import type { Rejection } from './rejection.js';
import { reusedBy, reuseProblem } from './reuse.js';
import { cancelling, stopped } from './stopping.js';

export type Decision = ExecutionEvent[] | Rejection;

/**
 * The direct consequence of a command. Pure: time and ids arrive in the command. An expected refusal is a value; a throw is a bug.
 * No events: it had been carried out before. What follows from the new state alone is `next`'s. Safe to call again for a command of
 * which only a first slice was recorded: it gives what is still due, or a refusal that the owner then ignores.
 */
export const decide = (command: ExecutionCommand, execution: Execution | undefined, workflow: Workflow): Decision => {
  if (command.type === 'CreateExecution') return create(command, execution, workflow);
  if (!execution || execution.workspaceId !== command.workspaceId) return refuse(command, undefined, 'NotFound', 'execution_unknown', 'there is none');
  switch (command.type) {
    case 'StartNode':
      return startNode(command, execution, workflow);
    case 'CompleteNode':
      return completeNode(command, execution, workflow);
    case 'FailNode':
      return failNode(command, execution, workflow);
    case 'StopNode':
      return stopNode(command, execution);
    case 'TakeStep':
      return takeStep(command, execution);
    case 'ParkNode':
      return parkNode(command, execution);
    case 'LoseAttempt':
      return loseAttempt(command, execution, workflow);
    case 'RemindNode':
      return remindNode(command, execution);
    case 'FireTimer':
      return fireTimer(command, execution, workflow);
    case 'Respond':
      return respond(command, execution, workflow);
    case 'ReleaseExecution':
      return release(command, execution);
    case 'AdmitExecution':
      return admit(command, execution);
    case 'ExpireInQueue':
      return expireInQueue(command, execution);
    case 'FailAdmission':
      return failAdmission(command, execution);
    case 'RetryExecution':
      return retry(command, execution);
    case 'CancelExecution':
      return cancel(command, execution);
  }
};

const create = (command: CommandOf<'CreateExecution'>, execution: Execution | undefined, workflow: Workflow): Decision => {
  const { created, held, reuse = [], inherited = [] } = command;
  if (execution && execution.createCommandId !== command.id) return refuse(command, execution, 'AlreadyExists', 'execution_exists', 'it exists already');
  // What a large execution takes over may take more than one slice.
  if (execution) return isTerminal(execution.status) ? [] : [...reusedBy(reuse).slice(execution.reuses), ...(execution.held ? [] : takenOver(inherited, execution))];
  const problem = reuseProblem(reuse, workflow);
  if (problem !== undefined) return refuse(command, execution, 'InvalidArgument', 'reuse_invalid', problem);
  return [
    { type: 'ExecutionCreated', data: created },
    ...(held ? [] : admission(created)),
    ...reusedBy(reuse),
    ...(created.admission_error == null ? takenOver(inherited, undefined) : []),
  ];
};

const release = ({ inherited = [] }: CommandOf<'ReleaseExecution'>, execution: Execution): Decision => {
  if (isTerminal(execution.status) || execution.cancel) return [];
  const isRefused = execution.held && execution.created.admission_error != null;
  return [...(execution.held ? admission(execution.created) : []), ...(isRefused ? [] : takenOver(inherited, execution))];
};

const cancel = (command: CommandOf<'CancelExecution'>, execution: Execution): Decision => {
  if (execution.status === 'cancelled' || (execution.cancel && !isTerminal(execution.status))) return [];
  if (isTerminal(execution.status)) return refuse(command, execution, 'InvalidState', 'execution_ended', `it is ${execution.status} already`);
  return [cancelling(execution, command.by, command.reason ?? null)];
};

const fireTimer = (command: CommandOf<'FireTimer'>, execution: Execution, workflow: Workflow): Decision => {
  const { timer } = command;
  if (isTerminal(execution.status)) return refuse(command, execution, 'InvalidState', 'execution_ended', `it is ${execution.status} already`);
  switch (timer.kind) {
    case 'gate_expiry':
      return expireGate(command, timer.gate, execution);
    case 'gate_reminder':
      return remindGate(command, timer.gate, timer.nth, execution);
    case 'run_timeout':
      return timeOut(command, execution);
    case 'cancel_grace':
      return endGrace(command, execution);
    case 'node_timeout':
      return timeOutNode(command, timer, execution, workflow);
    case 'delay':
    case 'retry':
      return wake(command, timer, execution, workflow);
  }
};

const wake = (
  command: CommandOf<'FireTimer'>,
  timer: { readonly kind: 'delay' | 'retry'; readonly node: string; readonly attempt: number },
  execution: Execution,
  workflow: Workflow,
): Decision => {
  const node = execution.nodes.get(timer.node);
  if (node?.status !== 'waiting' || node.waitsFor?.kind !== timer.kind || node.attempt !== timer.attempt)
    return refuse(command, execution, 'InvalidState', 'timer_settled', `node '${timer.node}' does not wait for it`);
  if (command.at < node.waitsFor.at) return refuse(command, execution, 'InvalidState', 'timer_early', `it is due at ${new Date(node.waitsFor.at).toISOString()}`);
  if (execution.cancel) return refuse(command, execution, 'InvalidState', 'cancel_requested', 'it is being cancelled');
  if (timer.kind === 'delay')
    return [
      {
        type: 'NodeCompleted',
        data: { node_id: timer.node, attempt: timer.attempt, output: { until: new Date(node.waitsFor.at).toISOString() } },
      },
    ];
  const kind = workflow.nodes.get(timer.node)?.type ?? '';
  return [{ type: 'NodeScheduled', data: { node_id: timer.node, attempt: timer.attempt, kind } }];
};

const timeOut = (command: CommandOf<'FireTimer'>, execution: Execution): Decision => {
  const { run_timeout_seconds: limit, timeout_includes_suspended: all } = execution.created;
  if (limit === null || execution.startedAt === null) return refuse(command, execution, 'InvalidState', 'timer_settled', 'it has no time-out');
  if (execution.cancel) return refuse(command, execution, 'InvalidState', 'cancel_requested', 'it is being cancelled');
  const active = execution.activeMs + (execution.status === 'running' ? command.at - execution.statusSince : 0);
  const spent = all ? command.at - execution.startedAt : active;
  if (spent < limit * 1000) return refuse(command, execution, 'InvalidState', 'timer_early', `${limit * 1000 - spent} ms are left`);
  return [
    ...stopped(execution, execution.active, 'unknown'),
    {
      type: 'ExecutionFailed',
      data: { error: `The execution ran longer than its limit of ${limit} s`, error_code: 'timed_out', error_node_id: null },
    },
  ];
};

const endGrace = (command: CommandOf<'FireTimer'>, execution: Execution): Decision => {
  const { cancel } = execution;
  if (!cancel) return refuse(command, execution, 'InvalidState', 'timer_settled', 'nobody asked to cancel it');
  if (command.at < cancel.at + cancel.graceMs) return refuse(command, execution, 'InvalidState', 'timer_early', 'the grace period is not over');
  return stopped(execution, execution.active, 'unknown');
};

import type { CommandOf, CreatedData } from './commands.js';
import type { Decision } from './decide.js';
import type { ExecutionEvent } from './events.js';
import { type Execution, isTerminal } from './execution.js';
import { refuse } from './refusal.js';
import type { Rejection } from './rejection.js';
import { stopped } from './stopping.js';

/** What follows the creation: an execution of a queue waits there, any other begins at once. */
export const admission = ({ queue_name, concurrency_key, priority, queue_ttl_seconds, admission_error }: CreatedData): ExecutionEvent[] => {
  if (admission_error != null) return [failed(`Expected to admit it, but ${admission_error}`, 'admission_failed')];
  if (queue_name === null)
    return [
      { type: 'ExecutionQueued', data: { queue_name } },
      { type: 'ExecutionStarted', data: {} },
    ];
  return [{ type: 'ExecutionQueued', data: { queue_name, concurrency_key, priority, ttl_seconds: queue_ttl_seconds ?? null } }];
};

/** It has a slot now. The ticket is the version of the event that asked for it: a command that arrives late, or twice, admits nobody a second time. */
export const admit = (command: CommandOf<'AdmitExecution'>, execution: Execution): Decision => {
  const waiting = holderOf(command, execution);
  if ('rejected' in waiting) return waiting;
  if (waiting.held) return [];
  return [execution.startedAt === null ? { type: 'ExecutionStarted', data: {} } : { type: 'ExecutionResumed', data: {} }];
};

export const expireInQueue = (command: CommandOf<'ExpireInQueue'>, execution: Execution): Decision => {
  const waiting = holderOf(command, execution);
  if ('rejected' in waiting) return waiting;
  if (waiting.held || execution.startedAt !== null) return refuse(command, execution, 'InvalidState', 'timer_settled', 'it has been admitted');
  const left = execution.statusSince + command.ttlSeconds * 1000 - command.at;
  if (left > 0) return refuse(command, execution, 'InvalidState', 'timer_early', `${left} ms are left`);
  return [failed(`It waited in queue '${execution.created.queue_name}' for longer than ${command.ttlSeconds} s`, 'expired_in_queue')];
};

/** The scheduler can't get it admitted: nothing stays pending for ever. */
export const failAdmission = (command: CommandOf<'FailAdmission'>, execution: Execution): Decision => {
  const waiting = holderOf(command, execution);
  if ('rejected' in waiting) return waiting;
  if (waiting.held) return refuse(command, execution, 'InvalidState', 'admitted', 'it has been admitted');
  return [...stopped(execution, execution.active, 'unknown'), failed(`Expected to admit it, but ${command.because}`, 'admission_failed')];
};

/** The slot that this ticket asked for, if the execution still waits for it or holds it. */
const holderOf = (command: CommandOf<'AdmitExecution' | 'ExpireInQueue' | 'FailAdmission'>, execution: Execution): NonNullable<Execution['slot']> | Rejection => {
  if (isTerminal(execution.status)) return refuse(command, execution, 'InvalidState', 'execution_ended', `it is ${execution.status} already`);
  if (execution.cancel) return refuse(command, execution, 'InvalidState', 'cancel_requested', 'it is being cancelled');
  const { slot } = execution;
  if (slot?.ticket === command.ticket) return slot;
  return refuse(command, execution, 'InvalidState', 'ticket_void', `it waits for no slot with ticket ${command.ticket}`);
};

const failed = (error: string, error_code: string): ExecutionEvent => ({ type: 'ExecutionFailed', data: { error, error_code, error_node_id: null } });

import type { CommandOf } from './commands.js';
import type { Decision } from './decide.js';
import { type Execution, isTerminal } from './execution.js';
import { refuse } from './refusal.js';
import { cancelling } from './stopping.js';
import { successorId } from './successor.js';

/**
 * Names the next execution, and stops this one if it is alive; the scheduler creates the next one and lets it begin once this one has ended.
 * No events: its latest successor is alive, as far as the caller knows.
 */
export const retry = (command: CommandOf<'RetryExecution'>, execution: Execution): Decision => {
  const { superseded } = execution;
  if (superseded && superseded.by !== command.ended) return [];
  if (execution.held && execution.created.retry_of !== null)
    return refuse(command, execution, 'InvalidState', 'never_admitted', `it never began, waiting for '${execution.created.retry_of}' to end: retry that one`);
  const number = (superseded?.number ?? 0) + 1;
  const by = successorId(execution.id, number, command.at);
  const ended = isTerminal(execution.status);
  return [
    { type: 'ExecutionSuperseded', data: { by, number, ended, asked_by: command.by, reason: command.reason ?? null, ...command.naming } },
    ...(ended || execution.cancel ? [] : [cancelling(execution, 'system:superseded', 'superseded')]),
  ];
};

import type { CommandOf, ExecutionCommand } from './commands.js';
import type { CommandId, RunnerId } from './ids.js';
import type { NodeTask } from './messages.js';

const verbs = { StartNode: 'start', CompleteNode: 'complete', FailNode: 'fail', StopNode: 'stop', LoseAttempt: 'lose', TakeStep: 'step', ParkNode: 'park' } as const;

/** The id of a runner's command about an attempt: the same however often it is sent, another in each leg that the attempt is begun in, and for each step. */
export const commandIdAbout = (
  { executionId, node, attempt, leg }: Pick<NodeTask, 'executionId' | 'node' | 'attempt' | 'leg'>,
  type: keyof typeof verbs,
  runner: RunnerId,
  nth?: number,
): CommandId => {
  const head = leg?.begun?.head;
  return `${verbs[type]}:${executionId}:${node}.${attempt}:${runner}${nth === undefined ? '' : `:${nth}`}${head === undefined ? '' : `@${head}`}`;
};

/** The start that a report stands for, to be decided before it. */
export const startOf = (command: ExecutionCommand): CommandOf<'StartNode'> | undefined => {
  if ((command.type !== 'CompleteNode' && command.type !== 'FailNode') || command.startedAt === undefined) return undefined;
  const { executionId, workspaceId, runner, node, attempt, replyTo, startedAt: at } = command;
  const start = { type: 'StartNode' as const, id: commandIdAbout(command, 'StartNode', runner), executionId, workspaceId, at, runner, node, attempt };
  return replyTo === undefined ? start : { ...start, replyTo };
};

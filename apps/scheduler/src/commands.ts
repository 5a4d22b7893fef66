import type { CommandOf, Instant, QueueStanding, Timer } from '@runlog/execution';
import type { ArmedTimer, OpenAttempt, Watched } from './watched.js';

/** Ids are derived from what the command is about: sent again it is the same command, also after a restart. */
const attemptRef = ({ node, attempt }: OpenAttempt): string => `${node}.${attempt}`;

const timerRef = (timer: Timer, dueAt: Instant): string => {
  switch (timer.kind) {
    case 'delay':
    case 'retry':
    case 'node_timeout':
      return `${timer.node}.${timer.attempt}`;
    case 'gate_expiry':
      return timer.gate;
    case 'gate_reminder':
      return `${timer.gate}.${timer.nth}`;
    case 'run_timeout':
    case 'cancel_grace':
      return String(dueAt);
  }
};

export const fireTimer = ({ executionId, workspaceId }: Watched, { timer, dueAt }: ArmedTimer, at: Instant): CommandOf<'FireTimer'> => ({
  type: 'FireTimer',
  id: `timer:${executionId}:${timer.kind}:${timerRef(timer, dueAt)}`,
  executionId,
  workspaceId,
  at,
  timer,
});

/** @param nth a reminder is no fact, so each one is a command of its own. */
export const remindNode = ({ executionId, workspaceId }: Watched, attempt: OpenAttempt, nth: number, at: Instant): CommandOf<'RemindNode'> => ({
  type: 'RemindNode',
  id: `remind:${executionId}:${attemptRef(attempt)}:${nth}`,
  executionId,
  workspaceId,
  at,
  node: attempt.node,
  attempt: attempt.attempt,
});

export const failAdmission = ({ executionId, workspaceId, ticket }: QueueStanding, at: Instant): CommandOf<'FailAdmission'> => ({
  type: 'FailAdmission',
  id: `fail-admission:${executionId}:${ticket}`,
  executionId,
  workspaceId,
  at,
  ticket,
  because: 'deciding it failed',
});

export const loseAttempt = (
  { executionId, workspaceId }: Watched,
  attempt: OpenAttempt & { readonly runner: string },
  silentMs: number,
  at: Instant,
): CommandOf<'LoseAttempt'> => ({
  type: 'LoseAttempt',
  id: `lose:${executionId}:${attemptRef(attempt)}`,
  executionId,
  workspaceId,
  at,
  node: attempt.node,
  attempt: attempt.attempt,
  runner: attempt.runner,
  because: `runner '${attempt.runner}' was silent for ${Math.round(silentMs / 100) / 10} s`,
});

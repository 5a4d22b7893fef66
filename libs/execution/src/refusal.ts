import type { ExecutionCommand } from './commands.js';
import type { Execution } from './execution.js';
import type { Rejection, RejectionCode } from './rejection.js';

const wish: Record<ExecutionCommand['type'], string> = {
  CreateExecution: 'create execution',
  ReleaseExecution: 'release execution',
  AdmitExecution: 'admit execution',
  ExpireInQueue: 'expire execution',
  FailAdmission: 'fail the admission of execution',
  RetryExecution: 'retry execution',
  StartNode: 'start a node of execution',
  CompleteNode: 'complete a node of execution',
  FailNode: 'fail a node of execution',
  StopNode: 'stop a node of execution',
  TakeStep: 'take a step of an agent of execution',
  ParkNode: 'park an agent of execution',
  LoseAttempt: 'give up an attempt of execution',
  RemindNode: 'send a task of execution',
  FireTimer: 'fire a timer of execution',
  Respond: 'answer a gate of execution',
  CancelExecution: 'cancel execution',
};

/** Builds every refusal: one sentence that says what was asked and what stands against it. */
export const refuse = (
  command: ExecutionCommand,
  execution: Execution | undefined,
  rejected: RejectionCode,
  reason: string,
  actual: string,
  errors?: Rejection['errors'],
): Rejection => ({
  rejected,
  reason,
  because: `Expected to ${wish[command.type]} '${command.executionId}', but ${actual}`,
  ...(errors ? { errors } : {}),
  ...(execution ? { state: { status: execution.status, version: execution.version } } : {}),
});

export const isRejection = (decision: object): decision is Rejection => 'rejected' in decision;

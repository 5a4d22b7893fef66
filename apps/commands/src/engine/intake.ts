import { decodeJson, type LogRecord, partitionOf, UndecodableRecord } from '@runlog/event-log';
import type { CommandType, ExecutionCommand } from '@runlog/execution';

const types: { readonly [Type in CommandType]: true } = {
  CreateExecution: true,
  ReleaseExecution: true,
  AdmitExecution: true,
  ExpireInQueue: true,
  FailAdmission: true,
  RetryExecution: true,
  StartNode: true,
  CompleteNode: true,
  FailNode: true,
  StopNode: true,
  TakeStep: true,
  ParkNode: true,
  LoseAttempt: true,
  RemindNode: true,
  FireTimer: true,
  Respond: true,
  CancelExecution: true,
};

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The command in a record. @throws UndecodableRecord when it is none, or stands in a partition that is not its execution's. */
export const commandIn = (record: LogRecord, partitions: number): ExecutionCommand => {
  const command = decodeJson<ExecutionCommand>(record);
  const problem = problemOf(command, record, partitions);
  if (problem) throw new UndecodableRecord(record, problem);
  return command;
};

const problemOf = (command: ExecutionCommand, record: LogRecord, partitions: number): string | undefined => {
  if (!Object.hasOwn(types, command.type)) return `there is no command '${String(command.type)}'`;
  if (typeof command.id !== 'string' || command.id === '') return 'it has no id';
  if (typeof command.executionId !== 'string' || !uuid.test(command.executionId)) return `its execution '${String(command.executionId)}' is not a UUID`;
  if (typeof command.workspaceId !== 'string' || command.workspaceId === '') return 'it has no workspace';
  if (!Number.isSafeInteger(command.at)) return `its time '${String(command.at)}' is not whole milliseconds`;
  const home = partitionOf(command.executionId, partitions);
  if (home !== record.partition) return `its execution belongs to partition ${home}`;
  return undefined;
};

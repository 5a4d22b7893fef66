import type { BodyReference, CallRecord, ExecutionCommand, WorkspaceId } from '@runlog/execution';
import type { Received } from './decision.js';
import type { StoredBodies } from './stored-bodies.js';

/**
 * Commands whose events will refer to a stored body, once it is certain to be there: nobody collects it before the event is known. An
 * answer is put in place, because deciding checks it. Where a result is gone its node has failed; a create or answer is refused for it.
 */
export const withBodies = async (received: readonly Received[], stored: StoredBodies): Promise<readonly Received[]> => {
  if (!received.some(({ command }) => referenceIn(command) || recordsIn(command).some(({ receipt_ref }) => receipt_ref))) return received;
  const settled: Received[] = [];
  for (const one of received) {
    const whole = await withReceipts(one, stored);
    const reference = referenceIn(whole.command);
    settled.push(reference ? await withBody(whole, reference, stored) : whole);
  }
  return settled;
};

const recordsIn = (command: ExecutionCommand): readonly CallRecord[] => ('records' in command ? (command.records ?? []) : []);

/** Of a call whose receipt is gone its agent hears that it failed: it may have had its effect all the same. */
const withReceipts = async (received: Received, stored: StoredBodies): Promise<Received> => {
  const { command } = received;
  const records: CallRecord[] = [];
  for (const record of recordsIn(command)) records.push(await withReceipt(record, command.workspaceId, stored));
  return records.some(({ error }, i) => error !== recordsIn(command)[i]?.error) ? { ...received, command: { ...command, records } as ExecutionCommand } : received;
};

const withReceipt = async (record: CallRecord, workspaceId: WorkspaceId, stored: StoredBodies): Promise<CallRecord> => {
  const { receipt_ref, ...rest } = record;
  if (!receipt_ref || (await stored.renew(workspaceId, receipt_ref))) return record;
  const message = `Expected the receipt of call '${record.key}' in the artifact store, but body '${receipt_ref.digest}' is not there`;
  return { ...rest, receipt: null, error: { code: 'artifact_missing', message, retryable: false } };
};

const referenceIn = (command: ExecutionCommand): BodyReference | undefined => {
  if (command.type === 'CreateExecution') return command.created.input_ref;
  if (command.type === 'CompleteNode') return command.outputRef;
  return command.type === 'Respond' ? command.answerRef : undefined;
};

const withBody = async (received: Received, reference: BodyReference, stored: StoredBodies): Promise<Received> => {
  const { command } = received;
  const isThere = await stored.renew(command.workspaceId, reference);
  if (isThere && command.type === 'Respond') {
    const answer = await stored.json(command.workspaceId, reference);
    if (answer) return { ...received, command: { ...command, answer: answer.value } };
  } else if (isThere) return received;
  if (command.type !== 'CompleteNode') return { ...received, lacksBody: reference.digest };
  const { output: _output, outputRef: _reference, branch: _branch, begins: _begins, ...report } = command;
  const message = `Expected what node '${command.node}' gave in the artifact store, but body '${reference.digest}' is not there`;
  return { ...received, command: { ...report, type: 'FailNode', error: { code: 'artifact_missing', message, retryable: true } } };
};

import type { BodyReference, ExecutionCommand } from '@runlog/execution';
import type { Received } from './decision.js';
import type { StoredBodies } from './stored-bodies.js';

/**
 * Commands whose events will refer to a stored body, once it is certain to be there: nobody collects it before the event is known. An
 * answer is put in place, because deciding checks it. Where a result is gone its node has failed; a create or answer is refused for it.
 */
export const withBodies = async (received: readonly Received[], stored: StoredBodies): Promise<readonly Received[]> => {
  if (!received.some(({ command }) => referenceIn(command))) return received;
  const settled: Received[] = [];
  for (const one of received) {
    const reference = referenceIn(one.command);
    settled.push(reference ? await withBody(one, reference, stored) : one);
  }
  return settled;
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

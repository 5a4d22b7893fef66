import { decodeJson, type LogRecord } from '@runlog/event-log';
import type { NodeTask, Reply } from '@runlog/execution';
import type { Fact, History } from './history.js';

/** Nothing decided leaves the engine before the events that it rests on are on the log and count. Says what does, or nothing. */
export const restsOn = (record: LogRecord, history: History): string | undefined => {
  if (record.topic === 'node-tasks') {
    const { executionId, node, attempt } = decodeJson<NodeTask>(record);
    const isScheduled = has(history, executionId, (fact) => fact.type === 'NodeScheduled' && fact.data.node_id === node && fact.data.attempt === attempt);
    return isScheduled ? undefined : `a task of attempt ${attempt} of '${node}' of '${executionId}' is out, but it is not scheduled`;
  }
  if (record.topic !== 'command-replies') return undefined;
  const reply = decodeJson<Reply>(record);
  if (reply.type === 'accepted')
    return has(history, reply.executionId, (fact) => fact.commandId === reply.commandId || (isStep(reply) && fact.version === reply.version))
      ? undefined
      : `'${reply.commandId}' was answered, but its events are not there`;
  if (reply.type === 'unchanged')
    return has(history, reply.executionId, (fact) => fact.version === reply.version)
      ? undefined
      : `'${reply.commandId}' was answered with version ${reply.version}, which is not there`;
  return undefined;
};

/** One that tells and begins nothing has no events of its own. */
const isStep = ({ commandId }: { readonly commandId: string }): boolean => commandId.startsWith('step:');

const has = (history: History, executionId: string, what: (fact: Fact) => boolean): boolean => history.byExecution.get(executionId)?.some(what) ?? false;

import type { EventOf } from '@runlog/execution';
import type { TracedEvent, Tracing } from './fold-trace.js';
import { names } from './gen-ai.js';
import { attributes } from './span.js';

/** The execution as a whole: its beginning and end, and what it spent waiting. */
export const foldPhase = ({ book, executionId, links = [], show }: Tracing, event: TracedEvent): void => {
  const phase = (name: string, about: Parameters<typeof attributes>[0] = {}): void =>
    book.open('phase', { path: ['phase', event.version], parent: 'execution', name, attributes: attributes(about), isPhase: true });
  const end = (status: 'ok' | 'error' | 'unset', word: string, message: string | null = null, about: Parameters<typeof attributes>[0] = {}): void => {
    book.describe('execution', attributes({ 'runlog.execution.status': word, ...about }));
    book.close('execution', status, message);
  };
  switch (event.type) {
    case 'ExecutionCreated': {
      book.open('execution', { path: [], parent: null, name: `execution ${workflowKey(event)}`, attributes: identity(event, executionId) });
      book.describe('execution', attributes({ 'runlog.input': show(event.data.input) }));
      book.link('execution', links);
      return phase('pending');
    }
    case 'ExecutionQueued': {
      const { queue_name, concurrency_key, priority } = event.data;
      return phase('queued', { 'runlog.queue.name': queue_name, 'runlog.queue.key': concurrency_key, 'runlog.queue.priority': priority });
    }
    case 'ExecutionStarted':
    case 'ExecutionResumed':
      return book.close('phase');
    case 'ExecutionSuspended':
      return phase('suspended', { 'runlog.suspended.reason': event.data.reason });
    case 'CancelRequested':
      return book.open('cancel', {
        path: ['cancel'],
        parent: 'execution',
        name: 'cancel',
        attributes: attributes({ 'runlog.by': event.data.by, 'runlog.reason': event.data.reason }),
      });
    case 'ExecutionFaulted':
      return book.note('execution', 'exception', { 'exception.type': event.data.command_type, 'exception.message': event.data.error });
    case 'ExecutionCompleted':
      book.describe('execution', attributes({ 'runlog.output': show(event.data.output) }));
      return end('ok', 'completed');
    case 'ExecutionFailed':
      return end('error', 'failed', event.data.error, { [names.errorType]: event.data.error_code, 'runlog.error.node': event.data.error_node_id });
    case 'ExecutionRejected':
      return end('error', 'rejected', event.data.error, { [names.errorType]: 'rejected', 'runlog.error.node': event.data.error_node_id, 'runlog.by': event.data.by });
    case 'ExecutionCancelled':
      return end('unset', 'cancelled', null, { 'runlog.by': event.data.by, 'runlog.reason': event.data.reason });
    case 'ExecutionSuperseded':
      if (!book.has('execution')) return;
      return event.data.ended ? undefined : end('unset', 'cancelled', null, { 'runlog.superseded_by': event.data.by });
    default:
      return;
  }
};

/** The same for all executions of a workflow, as names of spans are to be: the key of an execution is the workflow's and its number. */
const workflowKey = ({ data }: EventOf<'ExecutionCreated'>): string => data.key.replace(/_\d+$/, '');

const identity = ({ data }: EventOf<'ExecutionCreated'>, executionId: string) =>
  attributes({
    'runlog.execution.id': executionId,
    'runlog.execution.key': data.key,
    'runlog.workflow.id': data.workflow_id,
    'runlog.workflow.version_id': data.workflow_version_id,
    'runlog.pod.id': data.pod_id,
    'runlog.trigger': data.trigger.kind,
    'runlog.batch.id': data.batch_id,
    'runlog.parent_execution.id': data.parent_execution_id,
    'runlog.retry_of': data.retry_of,
    'runlog.replay_of': data.replay_of,
    'runlog.retry_count': data.retry_count > 0 ? data.retry_count : null,
    [names.agentId]: data.agent_id,
    [names.conversation]: data.session_id,
    [names.userId]: data.user_id,
  });

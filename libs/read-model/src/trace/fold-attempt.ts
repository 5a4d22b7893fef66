import type { NodeError } from '@runlog/execution';
import type { TracedEvent, Tracing } from './fold-trace.js';
import { agentAttributes, names } from './gen-ai.js';
import { attributes } from './span.js';

/** Where the attempt of a node is in the book, and what its span's id comes from. */
export const attemptPlace = (node: string): string => `node/${node}`;
export const attemptPath = (node: string, attempt: number): readonly (string | number)[] => ['node', node, attempt];

/** The span of an attempt that nothing announced: of a gate, a delay, or what was decided in one step. */
export const openAttempt = ({ book, names: { nodes } }: Tracing, node: string, attempt: number, kind?: string): void => {
  const place = attemptPlace(node);
  if (book.has(place)) return;
  const known = nodes.get(node);
  const agent = known?.agent ?? undefined;
  book.open(place, {
    path: attemptPath(node, attempt),
    parent: 'execution',
    name: agent ? `invoke_agent ${agent.name}` : `node ${node}`,
    attributes: attributes({
      'runlog.node.id': node,
      'runlog.node.name': known?.definition.name,
      'runlog.node.kind': kind ?? known?.type,
      'runlog.node.attempt': attempt,
      ...(agent ? agentAttributes(agent) : {}),
    }),
  });
};

/** The attempts of nodes, each from its scheduling to its end, and the way to a runner within it. */
export const foldAttempt = (tracing: Tracing, event: TracedEvent): void => {
  const { book, show } = tracing;
  switch (event.type) {
    case 'NodeScheduled': {
      const { node_id: node, attempt, kind } = event.data;
      book.close(`backoff/${node}`);
      book.close(attemptPlace(node));
      openAttempt(tracing, node, attempt, kind);
      return book.open(`dispatch/${node}`, {
        path: [...attemptPath(node, attempt), 'dispatch'],
        parent: attemptPlace(node),
        name: 'dispatch',
        kind: 'consumer',
        attributes: { 'messaging.system': 'runlog', 'messaging.operation.name': 'process', 'messaging.destination.name': 'node-tasks' },
        isPhase: true,
      });
    }
    case 'NodeStarted':
      book.close(`dispatch/${event.data.node_id}`);
      return book.describe(attemptPlace(event.data.node_id), { 'runlog.runner': event.data.runner });
    case 'NodeWaiting':
      openAttempt(tracing, event.data.node_id, event.data.attempt);
      return book.describe(attemptPlace(event.data.node_id), { 'runlog.delay.until': new Date(event.data.until).toISOString() });
    case 'NodeCompleted': {
      const { node_id: node, attempt, branch, returned_from, output } = event.data;
      openAttempt(tracing, node, attempt);
      book.describe(attemptPlace(node), attributes({ 'runlog.branch': branch, 'runlog.returned_from': returned_from?.execution_id, 'runlog.output': show(output) }));
      return book.close(attemptPlace(node), 'ok');
    }
    case 'NodeFailed': {
      const { node_id: node, attempt, error, inline } = event.data;
      if (inline) openAttempt(tracing, node, attempt);
      return failed(tracing, node, error);
    }
    case 'NodeRetryScheduled':
      return book.open(`backoff/${event.data.node_id}`, {
        path: [...attemptPath(event.data.node_id, event.data.attempt), 'backoff'],
        parent: 'execution',
        name: 'backoff',
        attributes: { 'runlog.node.id': event.data.node_id, 'runlog.node.attempt': event.data.attempt },
      });
    case 'NodeStopped':
      book.describe(attemptPlace(event.data.node_id), { 'runlog.stop.outcome': event.data.outcome, 'runlog.stop.acknowledged': event.data.acknowledged });
      book.close(`backoff/${event.data.node_id}`);
      return book.close(attemptPlace(event.data.node_id));
    case 'AttemptLost':
      return failed(tracing, event.data.node_id, { code: 'attempt_lost', message: event.data.because });
    default:
      return;
  }
};

const failed = ({ book }: Tracing, node: string, { code, message }: Pick<NodeError, 'code' | 'message'>): void => {
  book.describe(attemptPlace(node), { [names.errorType]: code });
  book.close(attemptPlace(node), 'error', message);
};

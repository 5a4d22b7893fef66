import type { RecordedEvent } from '@runlog/execution';
import type { Watched } from './watched.js';

/** Which attempts an event opens, hands to a runner, or closes. Pure but for `watched`. */
export const foldAttempts = (watched: Watched, event: RecordedEvent): void => {
  switch (event.type) {
    case 'NodeScheduled': {
      const { node_id: node, attempt, kind } = event.data;
      watched.open({ node, attempt, kind, runner: null, since: event.at });
      return;
    }
    case 'NodeStarted': {
      const { node_id: node, attempt, runner } = event.data;
      watched.open({ node, attempt, kind: watched.attempts.get(node)?.kind ?? '', runner, since: event.at });
      return;
    }
    case 'NodeWaiting':
    case 'ApprovalRequested':
    case 'QuestionRequested':
    case 'EffectUnknown':
    case 'BudgetExhausted':
    case 'NodeCompleted':
    case 'NodeFailed':
    case 'NodeStopped':
    case 'NodeSkipped':
    case 'AttemptLost':
      watched.close(event.data.node_id);
      return;
    case 'CancelRequested':
      for (const { node, runner } of watched.attempts.values()) if (runner === null) watched.close(node);
      return;
  }
};

const endings = new Set<string>(['ExecutionCompleted', 'ExecutionFailed', 'ExecutionRejected', 'ExecutionCancelled']);

/** Nothing is due for the execution after this event. */
export const isEnding = (event: RecordedEvent): boolean => endings.has(event.type);

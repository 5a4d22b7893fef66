import type { ExecutionView } from '@runlog/contract';
import type { RecordedEvent } from '@runlog/execution';
import { created } from './created.js';
import type { ExecutionDraft, NodeNames } from './draft.js';
import { foldEffect } from './fold-effect.js';
import { foldGate } from './fold-gate.js';
import { foldNode } from './fold-node.js';
import { foldSpending } from './fold-spending.js';
import { turn } from './status.js';

/** An event is missing between the view and this one. Never passed over: it is an alarm. */
export class VersionGap extends Error {
  constructor(
    readonly executionId: string,
    readonly expected: number,
    readonly actual: number,
  ) {
    super(`Expected version ${expected} of execution '${executionId}', but got ${actual}: an event in between is missing`);
  }
}

/**
 * The view after an event; the only code that makes views. Pure but for changing the given view in place, in time that depends on the
 * event alone. An event that the view has seen changes nothing, a type it does not know only its version. @throws VersionGap
 */
export const foldView = (view: ExecutionView | undefined, event: RecordedEvent, workflow: NodeNames): ExecutionView => {
  const tip = view?.version ?? 0;
  if (view && event.version <= tip) return view;
  if (event.version !== tip + 1) throw new VersionGap(event.executionId, tip + 1, event.version);
  const draft = (view ?? begin(event)) as ExecutionDraft;
  draft.fault = event.type === 'ExecutionFaulted' ? { at: event.at, ...event.data } : null;
  foldExecution(draft, event);
  foldNode(draft, event, workflow);
  foldEffect(draft, event, workflow);
  foldGate(draft, event);
  foldSpending(draft, event, workflow);
  draft.version = event.version;
  draft.tip = event.id;
  return draft;
};

const begin = (event: RecordedEvent): ExecutionDraft => {
  if (event.type !== 'ExecutionCreated') throw new Error(`Expected execution '${event.executionId}' to begin with ExecutionCreated, but got ${event.type}`);
  return created(event);
};

const foldExecution = (view: ExecutionDraft, event: RecordedEvent): void => {
  switch (event.type) {
    case 'ExecutionQueued':
      return turn(view, 'queued', event.at);
    case 'ExecutionStarted':
    case 'ExecutionResumed':
      return turn(view, 'running', event.at);
    case 'ExecutionSuspended':
      return turn(view, event.data.status, event.at, event.data.reason);
    case 'ExecutionCompleted':
      view.output = event.data.output;
      if (event.data.output_ref) view.output_ref = event.data.output_ref;
      return turn(view, 'completed', event.at);
    case 'ExecutionFailed': {
      const { error, error_code, error_node_id } = event.data;
      Object.assign(view, { error, error_code, error_node_id });
      return turn(view, 'failed', event.at);
    }
    case 'ExecutionRejected': {
      const { error, error_node_id } = event.data;
      Object.assign(view, { error, error_code: 'rejected', error_node_id });
      return turn(view, 'rejected', event.at);
    }
    case 'ExecutionCancelled':
      view.cancelled_by = event.data.by;
      return turn(view, 'cancelled', event.at, event.data.reason);
    case 'ExecutionSuperseded':
      view.superseded_by = event.data.by;
      return;
    case 'CancelRequested':
      view.cancel_requested_at = event.at;
      view.cancellation = { by: event.data.by, reason: event.data.reason };
      return;
    default:
      return;
  }
};

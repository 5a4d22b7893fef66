import type { EffectView } from '@runlog/contract';
import type { ExecutionEvent, NodeError } from '@runlog/execution';
import type { ExecutionDraft, NodeNames } from './draft.js';
import { nodeOf } from './nodes.js';

/** Not where it had been recorded and what it gave could not be kept. */
const isKnownToFail = ({ standing }: EffectView, { effect }: NodeError): boolean => standing !== 'recorded' && effect !== 'unknown';

/** What an event says about a node's effect on the world: begun, had, or not. */
export const foldEffect = (view: ExecutionDraft, event: ExecutionEvent, workflow: NodeNames): void => {
  switch (event.type) {
    case 'EffectIntended':
    case 'EffectRecorded': {
      if (event.data.call) return;
      const { node_id, attempt: _attempt, call: _call, ...rest } = event.data;
      nodeOf(view, node_id, workflow).effect = { standing: event.type === 'EffectRecorded' ? 'recorded' : 'intended', ...rest };
      return;
    }
    case 'NodeCompleted': {
      const node = view.nodes[event.data.node_id];
      if (!event.data.returned_from || !node?.effect) return;
      const { receipt: _receipt, receipt_ref: _reference, branch: _branch, ...rest } = node.effect;
      node.effect = rest;
      node.reused_from = event.data.returned_from;
      return;
    }
    case 'NodeFailed': {
      const effect: EffectView | undefined = view.nodes[event.data.node_id]?.effect;
      if (effect) nodeOf(view, event.data.node_id, workflow).effect = { ...effect, standing: isKnownToFail(effect, event.data.error) ? 'failed' : 'intended' };
      return;
    }
    default:
      return;
  }
};

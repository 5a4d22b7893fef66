import type { EventOf } from './events.js';
import type { Execution, NodeState } from './execution.js';
import type { Actor, NodeId } from './ids.js';

/** One NodeStopped for each of the nodes; `unknown` where nobody answered for it and it may still have run on. */
export const stopped = (execution: Execution, nodes: Iterable<NodeId>, runningOutcome: 'stopped' | 'unknown'): EventOf<'NodeStopped'>[] =>
  [...nodes].map((id) => {
    const node = execution.nodes.get(id);
    const ran = node?.status === 'running';
    // Its runner was lost, or could not say what became of it; nobody ever will.
    const isUnknown = asksOfEffect(execution, node);
    return {
      type: 'NodeStopped',
      data: { node_id: id, attempt: node?.attempt ?? 0, acknowledged: !ran && !isUnknown, outcome: isUnknown ? 'unknown' : ran ? runningOutcome : 'stopped' },
    };
  });

const asksOfEffect = ({ gates }: Execution, node: NodeState | undefined): boolean => {
  const asked = node?.waitsFor?.kind === 'gate' ? [node.waitsFor.gate] : node?.waitsFor?.kind === 'calls' ? node.waitsFor.gates : [];
  return asked.some((gate) => gates.get(gate)?.kind === 'effect');
};

/** Asks an execution that has not ended to stop: from here on no node starts. */
export const cancelling = (execution: Execution, by: Actor, reason: string | null): EventOf<'CancelRequested'> => ({
  type: 'CancelRequested',
  data: {
    by,
    reason,
    grace_ms: execution.created.cancel_grace_seconds * 1000,
    running: [...execution.active].filter((node) => execution.nodes.get(node)?.status === 'running'),
  },
});

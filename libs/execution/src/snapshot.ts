import type { Execution, Gate, NodeState } from './execution.js';
import { isTerminal } from './execution.js';
import type { Json, NodeId } from './ids.js';

/** Raised when the shape below changes: an older snapshot is then thrown away and the execution read from the log. */
export const snapshotVersion = 3;

/**
 * The state as JSON, without the outputs (they only grow, so the owner stores each once). An ended execution keeps what refusing and
 * answering later commands needs, no nodes and no input.
 */
export const toSnapshot = (execution: Execution): Json => {
  const { nodes, outputs: _outputs, ready, unreached, active, gates, created, ...rest } = execution;
  const ended = isTerminal(execution.status);
  const snapshot = {
    ...rest,
    created: ended ? { ...created, input: null, metadata: {} } : created,
    nodes: ended ? [] : [...nodes],
    ready: ended ? [] : [...ready],
    unreached: ended ? [] : [...unreached],
    active: ended ? [] : [...active],
    gates: [...gates],
  };
  return snapshot as unknown as Json;
};

/** The state of a snapshot; the outputs stored beside it go in separately. */
export const fromSnapshot = (snapshot: Json, outputs: Iterable<readonly [NodeId, Json]> = []): Execution => {
  const stored = snapshot as unknown as Omit<Execution, 'nodes' | 'outputs' | 'ready' | 'unreached' | 'active' | 'gates'> & {
    nodes: [NodeId, NodeState][];
    ready: NodeId[];
    unreached: NodeId[];
    active: NodeId[];
    gates: [string, Gate][];
  };
  return {
    ...stored,
    nodes: new Map(stored.nodes),
    outputs: new Map(outputs),
    ready: new Set(stored.ready),
    unreached: new Set(stored.unreached),
    active: new Set(stored.active),
    gates: new Map(stored.gates),
  };
};

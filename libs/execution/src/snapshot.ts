import type { BodyReference } from './body-reference.js';
import type { EarlierEffect, Execution, Gate, NodeState } from './execution.js';
import { isTerminal } from './execution.js';
import type { Json, NodeId } from './ids.js';

/** Raised when the shape below changes: an older snapshot is then thrown away and the execution read from the log. */
export const snapshotVersion = 3;

/**
 * The state as JSON, without the outputs (they only grow, so the owner stores each once). An ended execution keeps what refusing and
 * answering later commands needs, no nodes and no input.
 */
export const toSnapshot = (execution: Execution): Json => {
  const { nodes, outputs: _outputs, bodies, ready, unreached, active, gates, effects, created, ...rest } = execution;
  const ended = isTerminal(execution.status);
  const snapshot = {
    ...rest,
    created: ended ? { ...created, input: null, input_ref: undefined, metadata: {} } : created,
    nodes: ended ? [] : [...nodes],
    bodies: ended ? [] : [...bodies],
    ready: ended ? [] : [...ready],
    unreached: ended ? [] : [...unreached],
    active: ended ? [] : [...active],
    gates: [...gates],
    effects: ended ? [] : [...effects],
  };
  return snapshot as unknown as Json;
};

/** The state of a snapshot; the outputs stored beside it go in separately. */
export const fromSnapshot = (snapshot: Json, outputs: Iterable<readonly [NodeId, Json]> = []): Execution => {
  const stored = snapshot as unknown as Omit<Execution, 'nodes' | 'outputs' | 'bodies' | 'ready' | 'unreached' | 'active' | 'gates' | 'effects'> & {
    nodes: [NodeId, NodeState][];
    /** Absent in states of before there were any. */
    bodies?: [NodeId, BodyReference][];
    ready: NodeId[];
    unreached: NodeId[];
    active: NodeId[];
    gates: [string, Gate][];
    effects: [NodeId, EarlierEffect][];
  };
  return {
    ...stored,
    nodes: new Map(stored.nodes),
    outputs: new Map(outputs),
    bodies: new Map(stored.bodies),
    ready: new Set(stored.ready),
    unreached: new Set(stored.unreached),
    active: new Set(stored.active),
    gates: new Map(stored.gates),
    effects: new Map(stored.effects),
  };
};

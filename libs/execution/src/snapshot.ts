import type { BodyReference } from './body-reference.js';
import type { EarlierEffect, Execution, Gate, NodeState } from './execution.js';
import { isTerminal } from './execution.js';
import type { Json, NodeId } from './ids.js';
import { type Account, type CallState, emptyAccount } from './journal.js';

/** Raised when the shape below changes: an older snapshot is then thrown away and the execution read from the log. */
export const snapshotVersion = 3;

/**
 * The state as JSON, without the outputs and receipts (they only grow, so the owner stores each once). An ended execution keeps what refusing and
 * answering later commands needs, no nodes and no input.
 */
export const toSnapshot = (execution: Execution): Json => {
  const { nodes, outputs: _outputs, receipts: _receipts, journals, bodies, ready, unreached, active, gates, effects, created, ...rest } = execution;
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
    journals: ended ? [] : [...journals].map(([node, { calls, reservations, account }]) => [node, { calls: [...calls], reservations: [...reservations], account }]),
  };
  return snapshot as unknown as Json;
};

/** The state of a snapshot; what is stored beside it (see `keptBy`) goes in separately. */
export const fromSnapshot = (snapshot: Json, kept: Iterable<readonly [string, Json]> = []): Execution => {
  const stored = snapshot as unknown as Omit<
    Execution,
    'nodes' | 'outputs' | 'bodies' | 'ready' | 'unreached' | 'active' | 'gates' | 'effects' | 'journals' | 'receipts' | 'account'
  > & {
    nodes: [NodeId, NodeState][];
    /** Absent in states of before there were any. */
    bodies?: [NodeId, BodyReference][];
    ready: NodeId[];
    unreached: NodeId[];
    active: NodeId[];
    gates: [string, Gate][];
    effects: [NodeId, EarlierEffect][];
    /** Absent in states of before there were agents. */
    journals?: [NodeId, { calls: [string, CallState][]; reservations: [string, string][]; account: Account }][];
    account?: Account;
  };
  const journals: Execution['journals'] = new Map(
    (stored.journals ?? []).map(([node, { calls, reservations, account }]) => [node, { calls: new Map(calls), reservations: new Map(reservations), account }]),
  );
  const outputs: Execution['outputs'] = new Map();
  const receipts: Execution['receipts'] = new Map();
  for (const [name, body] of kept) {
    const [node = '', key] = name.split('/');
    if (key === undefined) outputs.set(node, body);
    else if (journals.get(node)?.calls.get(key)?.standing === 'recorded') receipts.set(name, body);
  }
  return {
    ...stored,
    nodes: new Map(stored.nodes),
    outputs,
    receipts,
    journals,
    account: stored.account ?? emptyAccount(),
    bodies: new Map(stored.bodies),
    ready: new Set(stored.ready),
    unreached: new Set(stored.unreached),
    active: new Set(stored.active),
    gates: new Map(stored.gates),
    effects: new Map(stored.effects),
  };
};

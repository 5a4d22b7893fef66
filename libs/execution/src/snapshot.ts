import type { BodyReference } from './body-reference.js';
import type { EarlierEffect, Execution, Gate, NodeState } from './execution.js';
import { isTerminal } from './execution.js';
import type { Json, NodeId } from './ids.js';
import { type Account, type CallState, emptyAccount } from './journal.js';

/** Raised when the shape below changes: an older snapshot is then thrown away and the execution read from the log. */
export const snapshotVersion = 3;

/** The state as JSON, without the outputs and receipts (they only grow, so the owner stores each once). */
export const toSnapshot = (execution: Execution): Json => (isTerminal(execution.status) ? endedSnapshot(execution) : wholeSnapshot(execution)) as unknown as Json;

/** What refusing and answering later commands needs of an execution that has ended: all others have a row like this, and most have no other. */
const endedSnapshot = (execution: Execution) => {
  const { id, workspaceId, created, createdAt, createCommandId, version, status, cancel, superseded, held, continuing, reuses, gates } = execution;
  const { workflow_version_id, retry_of, queue_name } = created;
  const ended = {
    id,
    workspaceId,
    created: { workflow_version_id, retry_of, queue_name },
    createdAt,
    createCommandId,
    version,
    status,
    cancel,
    superseded,
    held,
    continuing,
    reuses,
  };
  return { ...ended, nodes: [], ready: [], unreached: [], active: [], gates: [...gates], effects: [] };
};

const wholeSnapshot = (execution: Execution) => {
  const { nodes, outputs: _outputs, receipts: _receipts, journals, bodies, ready, unreached, active, gates, effects, created, ...rest } = execution;
  return {
    ...rest,
    created,
    nodes: [...nodes],
    bodies: [...bodies],
    ready: [...ready],
    unreached: [...unreached],
    active: [...active],
    gates: [...gates],
    effects: [...effects],
    journals: [...journals].map(([node, { calls, reservations, account }]) => [node, { calls: [...calls], reservations: [...reservations], account }]),
  };
};

/** The state of a snapshot; what is stored beside it (see `keptBy`) goes in separately. */
export const fromSnapshot = (snapshot: Json, kept: Iterable<readonly [string, Json]> = []): Execution => {
  const stored = snapshot as unknown as Omit<
    Execution,
    'nodes' | 'outputs' | 'bodies' | 'ready' | 'unreached' | 'active' | 'gates' | 'effects' | 'journals' | 'receipts' | 'account'
  > & {
    nodes: [NodeId, NodeState][];
    /** Absent once it has ended, and in states of before there were any. */
    bodies?: [NodeId, BodyReference][];
    ready: NodeId[];
    unreached: NodeId[];
    active: NodeId[];
    gates: [string, Gate][];
    effects: [NodeId, EarlierEffect][];
    /** Absent once it has ended, and in states of before there were agents. */
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

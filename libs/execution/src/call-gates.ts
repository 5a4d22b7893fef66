import type { Execution } from './execution.js';
import type { GateId, NodeId } from './ids.js';

/** Its agent has been let go of, and waits for people with no runner. */
export const waitForCall = (execution: Execution, id: NodeId, gate: GateId): void => {
  const node = execution.nodes.get(id);
  if (!node) throw new Error(`Expected node '${id}' of execution '${execution.id}' to run, but nothing has happened to it`);
  const others = node.waitsFor?.kind === 'calls' ? node.waitsFor.gates : [];
  if (node.waitsFor?.kind !== 'calls') execution.gatesOpen++;
  Object.assign(node, { status: 'waiting', startedBy: undefined, waitsFor: { kind: 'calls', gates: [...others, gate] } });
};

/** The gate is decided. An agent all of whose gates are goes on, when whatever else decides that lets it. */
export const releaseCall = (execution: Execution, id: GateId): void => {
  const agent = execution.gates.get(id)?.node ?? '';
  const node = execution.nodes.get(agent);
  if (node?.waitsFor?.kind !== 'calls') return;
  const gates = node.waitsFor.gates.filter((one) => one !== id);
  if (gates.length > 0) {
    node.waitsFor = { kind: 'calls', gates };
    return;
  }
  execution.gatesOpen--;
  Object.assign(node, { status: 'idle', waitsFor: null });
  execution.active.delete(agent);
  execution.ready.add(agent);
};

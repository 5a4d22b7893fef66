import type { Workflow } from '@runlog/workflow';
import { insteadOfRunning } from './effects.js';
import type { ExecutionEvent } from './events.js';
import { type Execution, type Gate, isLimited, isSuspended, isTerminal } from './execution.js';
import type { NodeId } from './ids.js';
import { defaultOutput } from './output.js';
import { SLOT } from './queue-standing.js';
import { stopped } from './stopping.js';

/**
 * An expression that the owner must evaluate before the execution can go on; `settle` turns its outcome into events.
 * `pure`: run the node. `gate`, `delay`: resolve the templates of its config. `output`: the workflow's output expression, or the outputs of
 * the last nodes where one is stored elsewhere.
 */
export type Evaluation =
  | { readonly purpose: 'pure' | 'gate' | 'delay'; readonly node: NodeId; readonly attempt: number }
  | { readonly purpose: 'output'; readonly node: null; readonly attempt: 0 };

export type Next = { readonly kind: 'events'; readonly events: ExecutionEvent[] } | { readonly kind: 'evaluate'; readonly pending: Evaluation[] } | { readonly kind: 'idle' };

/** Events or evaluations a call at most gives; the owner calls again until it is idle. */
const perCall = 64;

const idle: Next = { kind: 'idle' };

/** What follows from the state alone. Pure; call it again after its events were applied, until it says idle. */
export const next = (execution: Execution, workflow: Workflow): Next => {
  if (isTerminal(execution.status) || (execution.startedAt === null && !execution.cancel)) return idle;
  if (execution.failure || execution.rejection || execution.cancel) return ending(execution);
  if (isLimited(execution) && !execution.slot?.held) return execution.slot === null && canGoOn(execution, workflow) ? askForSlot : idle;
  if (execution.unreached.size > 0) return events(take(execution.unreached).map((node_id) => ({ type: 'NodeSkipped', data: { node_id } })));
  if (execution.ready.size > 0) return start(execution, workflow);
  if (execution.settled === workflow.nodes.size) return complete(execution, workflow);
  if (execution.gatesOpen > 0 && execution.gatesOpen === execution.active.size && !isSuspended(execution.status)) return suspend(execution);
  return idle;
};

const canGoOn = (execution: Execution, workflow: Workflow): boolean => execution.ready.size > 0 || execution.unreached.size > 0 || execution.settled === workflow.nodes.size;

/** Its slot went to others while it was suspended. */
const askForSlot: Next = { kind: 'events', events: [{ type: 'ExecutionSuspended', data: { status: 'suspended', reason: SLOT } }] };

const start = (execution: Execution, workflow: Workflow): Next => {
  const scheduled: ExecutionEvent[] = [];
  const pending: Evaluation[] = [];
  for (const id of take(execution.ready)) {
    const node = workflow.nodes.get(id);
    if (!node) throw new Error(`Expected node '${id}' in workflow version '${workflow.versionId}', but it has none`);
    if (node.pure) pending.push({ purpose: 'pure', node: id, attempt: 1 });
    else if (node.gate) pending.push({ purpose: 'gate', node: id, attempt: 1 });
    else if (node.delay) pending.push({ purpose: 'delay', node: id, attempt: 1 });
    else scheduled.push(insteadOfRunning(execution, workflow, id) ?? { type: 'NodeScheduled', data: { node_id: id, attempt: triedSoFar(execution, id) + 1, kind: node.type } });
  }
  return scheduled.length > 0 ? events(scheduled) : { kind: 'evaluate', pending };
};

/** More than none where people asked for it to be repeated. */
const triedSoFar = (execution: Execution, id: NodeId): number => execution.nodes.get(id)?.attempt ?? 0;

/** Stops what is left, then ends. A cancel waits for the nodes that run; a failure or rejection does not. */
const ending = (execution: Execution): Next => {
  const waitFor = (id: NodeId) => execution.cancel !== null && execution.nodes.get(id)?.status === 'running';
  const due = [...execution.active].filter((id) => !waitFor(id)).slice(0, perCall);
  if (due.length > 0) return events(stopped(execution, due, 'unknown'));
  if (execution.active.size > 0) return idle;
  const { failure, rejection, cancel } = execution;
  if (cancel) return events([{ type: 'ExecutionCancelled', data: { by: cancel.by, reason: cancel.reason, unacknowledged: [...cancel.unacknowledged] } }]);
  if (rejection) {
    const error = `Rejected by ${rejection.by} at '${rejection.node}'${rejection.comment ? `: ${rejection.comment}` : ''}`;
    return events([{ type: 'ExecutionRejected', data: { error, gate_id: rejection.gate, error_node_id: rejection.node, by: rejection.by } }]);
  }
  if (!failure) return idle;
  const error = `Node '${failure.node}' failed: ${failure.error.message}`;
  return events([{ type: 'ExecutionFailed', data: { error, error_code: failure.error.code, error_node_id: failure.node } }]);
};

const complete = (execution: Execution, workflow: Workflow): Next => {
  if (workflow.definition.output !== undefined || workflow.last.some((id) => execution.bodies.has(id)))
    return { kind: 'evaluate', pending: [{ purpose: 'output', node: null, attempt: 0 }] };
  return events([defaultOutput(execution, workflow)]);
};

const suspend = (execution: Execution): Next => {
  const asked = new Set([...execution.gates.values()].flatMap(({ kind, decided }) => (decided ? [] : [kind])));
  if (asked.has('approval')) return events([{ type: 'ExecutionSuspended', data: { status: 'awaiting_approval', reason: 'approval' } }]);
  return events([{ type: 'ExecutionSuspended', data: { status: 'suspended', reason: reasonFor(asked) } }]);
};

const reasonFor = (asked: ReadonlySet<Gate['kind']>): string => (asked.has('effect') ? 'effect_unknown' : asked.has('budget') ? 'budget_exhausted' : 'question');

const events = (list: ExecutionEvent[]): Next => ({ kind: 'events', events: list });

const take = (ids: Set<NodeId>): NodeId[] => {
  const some: NodeId[] = [];
  for (const id of ids) {
    if (some.length === perCall) break;
    some.push(id);
  }
  return some;
};

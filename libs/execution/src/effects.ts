import type { Workflow } from '@runlog/workflow';
import type { InheritedEffect, Receipt } from './commands.js';
import type { EventOf, ExecutionEvent, GateRules } from './events.js';
import type { Execution, NodeState } from './execution.js';
import type { Instant, NodeId } from './ids.js';

/** What a target may tell a repeat by: the same over a node's attempts, and over executions where an effect begun in an earlier one goes on. */
export const idempotencyKeyOf = (execution: Execution, id: NodeId): string => execution.effects.get(id)?.key ?? `${execution.id}:${id}`;

/** Of an effect that nobody can tell the outcome of: anybody who may edit may answer, whenever. */
export const effectRules = (prompt: string): GateRules => ({
  prompt,
  schema: null,
  approvers: null,
  expires_at: null,
  on_expiry: 'fail',
  on_reject: 'reject',
  reminders_at: [],
});

/** Asks people what became of an effect. */
export const effectUnknown = (execution: Execution, id: NodeId, attempt: number, because: string): EventOf<'EffectUnknown'> => ({
  type: 'EffectUnknown',
  data: {
    node_id: id,
    attempt,
    gate_id: `${id}.${attempt}`,
    key: idempotencyKeyOf(execution, id),
    prompt: `Node '${id}' may have had its effect: ${because}. Find out, then answer 'done' with its receipt, 'repeat', or 'fail'`,
  },
});

/** On the log in one piece with the start that it belongs to. */
export const intended = (execution: Execution, workflow: Workflow, id: NodeId, attempt: number): EventOf<'EffectIntended'>[] =>
  workflow.nodes.get(id)?.effect ? [{ type: 'EffectIntended', data: { node_id: id, attempt, key: idempotencyKeyOf(execution, id) } }] : [];

/** On the log in one piece with what it leads to. `receipt`: where that does not hold it. */
export const recorded = (execution: Execution, workflow: Workflow, id: NodeId, attempt: number, receipt?: Receipt): EventOf<'EffectRecorded'>[] =>
  workflow.nodes.get(id)?.effect ? [{ type: 'EffectRecorded', data: { node_id: id, attempt, key: idempotencyKeyOf(execution, id), ...(receipt ? written(receipt) : {}) } }] : [];

/** What it takes over of an earlier execution's effects, and has not taken over yet. */
export const takenOver = (inherited: readonly InheritedEffect[], execution: Execution | undefined): ExecutionEvent[] =>
  inherited
    .filter(({ node }) => !execution?.effects.has(node))
    .map(({ node, key, from, receipt }) => {
      const begun = { node_id: node, attempt: 0, key, from };
      return receipt ? { type: 'EffectRecorded', data: { ...begun, ...written(receipt) } } : { type: 'EffectIntended', data: begun };
    });

/** What a node does on being reached that had its effect, or began it, in an earlier execution. Undefined: it runs. */
export const insteadOfRunning = (execution: Execution, workflow: Workflow, id: NodeId): ExecutionEvent | undefined => {
  const earlier = execution.effects.get(id);
  const effect = workflow.nodes.get(id)?.effect;
  if (!earlier || !effect || (execution.nodes.get(id)?.attempt ?? 0) > 0 || execution.gates.has(`${id}.0`)) return undefined;
  if (earlier.receipt) {
    const { output, outputRef, branch } = earlier.receipt;
    const given = { output, ...(outputRef ? { output_ref: outputRef } : {}), ...(branch === undefined ? {} : { branch }) };
    return { type: 'NodeCompleted', data: { node_id: id, attempt: 0, ...given, inline: true, returned_from: earlier.from } };
  }
  return effect.asks ? effectUnknown(execution, id, 0, `it began in execution '${earlier.from.execution_id}', and no receipt came`) : undefined;
};

const written = ({ output, outputRef, branch }: Receipt) => ({
  receipt: output,
  ...(outputRef ? { receipt_ref: outputRef } : {}),
  ...(branch === undefined ? {} : { branch }),
});

/** From here on until another attempt starts, only the runner of this one could still say what became of it. */
export const awaitReceipt = (node: NodeState, attempt: number): void => {
  if (node.runner !== null) node.unanswered = { attempt, runner: node.runner };
};

/** What an earlier execution knows; of this one, that a receipt came while people were being asked for it. */
export const bookEffect = (execution: Execution, event: (EventOf<'EffectIntended'> | EventOf<'EffectRecorded'>) & { readonly at: Instant }): void => {
  const { node_id, attempt, key, from } = event.data;
  if (from) {
    execution.effects.set(node_id, { key, from, ...(event.type === 'EffectRecorded' ? { receipt: receiptIn(event) } : {}) });
    return;
  }
  const gate = execution.gates.get(`${node_id}.${attempt}`);
  if (event.type === 'EffectRecorded' && gate?.decided === null) gate.decided = { decision: 'done', by: 'system:late_receipt', at: event.at, answer: null, comment: null };
};

const receiptIn = ({ data: { receipt = null, receipt_ref, branch } }: EventOf<'EffectRecorded'>): Receipt => ({
  output: receipt,
  ...(receipt_ref ? { outputRef: receipt_ref } : {}),
  ...(branch === undefined ? {} : { branch }),
});

/** It was returned: the node's output holds it from here on. */
export const forgetReceipt = (execution: Execution, id: NodeId): void => {
  const earlier = execution.effects.get(id);
  if (earlier) execution.effects.set(id, { key: earlier.key, from: earlier.from });
};

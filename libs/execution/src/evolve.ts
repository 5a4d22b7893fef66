import type { Workflow } from '@runlog/workflow';
import { releaseCall, waitForCall } from './call-gates.js';
import { arrive, decideEdges, openFirst } from './edges.js';
import { awaitReceipt, bookEffect, effectRules, forgetReceipt } from './effects.js';
import type { EventOf, ExecutionEvent } from './events.js';
import { type Execution, type Gate, isLimited, isSuspended, type NodeState } from './execution.js';
import type { CommandId, ExecutionId, Instant, Json, NodeId, WorkspaceId } from './ids.js';
import { askAbout, bookCall, closeJournal, emptyAccount, forfeit, journalFor } from './journal.js';
import { nanoUsd } from './money.js';
import { SLOT } from './queue-standing.js';

/** An event with what recording gave it. */
export type Applied = ExecutionEvent & {
  readonly executionId: ExecutionId;
  readonly workspaceId: WorkspaceId;
  readonly version: number;
  readonly at: Instant;
  readonly commandId: CommandId;
  readonly more: boolean;
  readonly traceparent?: string;
};

/**
 * The state after an event. Changes the given state in place (the owner holds the only copy) and gives it back; evaluates nothing.
 * The compiled workflow tells which edges a settled node decides. Throws on a type it does not know: its owner must stop.
 */
export const evolve = (execution: Execution | undefined, event: Applied, workflow: Workflow): Execution => {
  if (event.type === 'ExecutionCreated') return begin(event, execution);
  if (!execution) throw new Error(`Expected ExecutionCreated to come first for '${event.executionId}', but got ${event.type}`);
  if (event.version !== execution.version + 1) throw new Error(`Expected version ${execution.version + 1} of '${execution.id}', but got ${event.version} (${event.type})`);
  execution.version = event.version;
  execution.continuing = event.more;
  apply(execution, event, workflow);
  return execution;
};

const begin = (event: Applied & EventOf<'ExecutionCreated'>, execution: Execution | undefined): Execution => {
  if (execution || event.version !== 1) throw new Error(`Expected '${event.executionId}' to be created once at version 1, but got version ${event.version}`);
  return {
    id: event.executionId,
    workspaceId: event.workspaceId,
    created: event.data,
    createdAt: event.at,
    createCommandId: event.commandId,
    ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
    version: 1,
    status: 'pending',
    startedAt: null,
    activeMs: 0,
    suspendedMs: 0,
    statusSince: event.at,
    nodes: new Map(),
    outputs: new Map(),
    bodies: new Map(),
    ready: new Set(),
    unreached: new Set(),
    active: new Set(),
    gatesOpen: 0,
    settled: 0,
    gates: new Map(),
    cancel: null,
    failure: null,
    rejection: null,
    superseded: null,
    held: true,
    slot: null,
    effects: new Map(),
    journals: new Map(),
    receipts: new Map(),
    account: emptyAccount(),
    reuses: 0,
    continuing: event.more,
  };
};

const apply = (execution: Execution, event: Applied, workflow: Workflow): void => {
  switch (event.type) {
    case 'ExecutionCreated':
      return;
    case 'ExecutionQueued':
      execution.held = false;
      ask(execution, event.version);
      return turn(execution, 'queued', event.at);
    case 'ExecutionStarted':
      occupy(execution);
      turn(execution, 'running', event.at);
      execution.startedAt = event.at;
      return openFirst(execution, workflow);
    case 'ExecutionSuspended':
      execution.slot = null;
      if (event.data.reason === SLOT) ask(execution, event.version);
      return turn(execution, event.data.status, event.at);
    case 'ExecutionResumed':
      occupy(execution);
      return turn(execution, 'running', event.at);
    case 'ExecutionCompleted':
      return turn(execution, 'completed', event.at);
    case 'ExecutionFailed':
      return turn(execution, 'failed', event.at);
    case 'ExecutionRejected':
      return turn(execution, 'rejected', event.at);
    case 'ExecutionCancelled':
      return turn(execution, 'cancelled', event.at);
    case 'ExecutionSuperseded':
      execution.superseded = { by: event.data.by, number: event.data.number, commandId: event.commandId };
      return;
    case 'NodeReused':
      return reuse(execution, event, workflow);
    case 'ExecutionFaulted':
      return;
    case 'CancelRequested':
      execution.cancel = { by: event.data.by, reason: event.data.reason, at: event.at, graceMs: event.data.grace_ms, unacknowledged: [] };
      return;
    case 'NodeScheduled':
      return activate(execution, event.data.node_id, { status: 'scheduled', attempt: event.data.attempt, runner: null, waitsFor: null }, workflow);
    case 'NodeStarted':
      return activate(execution, event.data.node_id, { status: 'running', runner: event.data.runner, startedBy: event.commandId, unanswered: undefined }, workflow);
    case 'NodeWaiting':
      return activate(execution, event.data.node_id, { status: 'waiting', attempt: event.data.attempt, waitsFor: { kind: 'delay', at: event.data.until } }, workflow);
    case 'NodeRetryScheduled':
      return activate(
        execution,
        event.data.node_id,
        { status: 'waiting', attempt: event.data.attempt, runner: null, waitsFor: { kind: 'retry', at: event.data.retry_at } },
        workflow,
      );
    case 'NodeCompleted':
      if (event.data.output_ref) execution.bodies.set(event.data.node_id, event.data.output_ref);
      else execution.outputs.set(event.data.node_id, event.data.output);
      if (event.data.returned_from) forgetReceipt(execution, event.data.node_id);
      settle(execution, event.data.node_id, 'completed', workflow, event.data.attempt);
      return decideEdges(execution, event.data.node_id, event.data.branch, workflow);
    case 'NodeFailed': {
      const node = nodeOf(execution, event.data.node_id, workflow);
      node.failures++;
      if (event.data.error.effect === 'unknown') awaitReceipt(node, event.data.attempt);
      if (!event.data.final) return forfeit(execution, event.data.node_id);
      settle(execution, event.data.node_id, 'failed', workflow, event.data.attempt);
      execution.failure = { node: event.data.node_id, error: event.data.error };
      return;
    }
    case 'NodeStopped':
      if (execution.cancel && !event.data.acknowledged) execution.cancel.unacknowledged.push(event.data.node_id);
      return settle(execution, event.data.node_id, 'stopped', workflow, event.data.attempt);
    case 'NodeSkipped':
      settle(execution, event.data.node_id, 'skipped', workflow, 0);
      return decideEdges(execution, event.data.node_id, null, workflow);
    case 'AttemptLost': {
      const node = nodeOf(execution, event.data.node_id, workflow);
      node.losses++;
      forfeit(execution, event.data.node_id);
      if (workflow.nodes.get(event.data.node_id)?.effect) awaitReceipt(node, event.data.attempt);
      return;
    }
    case 'EffectIntended':
    case 'EffectRecorded':
      if (!event.data.call) return bookEffect(execution, event);
      if (event.type === 'EffectRecorded') nodeOf(execution, event.data.node_id, workflow).losses = 0;
      return bookCall(execution, event);
    case 'BudgetReserved':
    case 'TokensUsed':
      return bookCall(execution, event);
    case 'ApprovalRequested':
    case 'QuestionRequested':
    case 'EffectUnknown':
    case 'BudgetExhausted':
      return openGate(execution, event, workflow);
    case 'GateReminded': {
      const gate = execution.gates.get(event.data.gate_id);
      if (gate) gate.reminded = event.data.nth;
      return;
    }
    case 'ResponseReceived':
      return hear(execution, event);
    case 'GateExpired': {
      const { gate_id, outcome, answer, answer_ref, node_id } = event.data;
      const by = 'system:gate_expired';
      close(execution, gate_id, { decision: outcome, by, at: event.at, answer, ...(answer_ref ? { answerRef: answer_ref } : {}), comment: null });
      if (outcome === 'reject' && execution.gates.get(gate_id)?.rules.on_reject === 'reject')
        execution.rejection = { gate: gate_id, node: node_id, by, comment: 'nobody answered in time' };
      else releaseCall(execution, gate_id);
      return;
    }
    default:
      throw new Error(`Expected an event type this version knows, but got '${(event as { type: string }).type}' at version ${(event as Applied).version}`);
  }
};

const ask = (execution: Execution, ticket: number): void => {
  if (isLimited(execution)) execution.slot = { ticket, held: false };
};

const occupy = (execution: Execution): void => {
  if (isLimited(execution)) execution.slot = { ticket: execution.slot?.ticket ?? execution.version, held: true };
};

/** Changes the status and books the time since the last change as active or suspended. */
const turn = (execution: Execution, status: Execution['status'], at: Instant): void => {
  const passed = at - execution.statusSince;
  if (execution.status === 'running') execution.activeMs += passed;
  else if (isSuspended(execution.status)) execution.suspendedMs += passed;
  execution.status = status;
  execution.statusSince = at;
};

const nodeOf = (execution: Execution, id: NodeId, workflow: Workflow): NodeState => arrive(execution, id, workflow);

const activate = (execution: Execution, id: NodeId, change: Partial<NodeState>, workflow: Workflow): void => {
  Object.assign(nodeOf(execution, id, workflow), change);
  execution.ready.delete(id);
  execution.active.add(id);
};

const settle = (execution: Execution, id: NodeId, status: NodeState['status'], workflow: Workflow, attempt: number): void => {
  const node = nodeOf(execution, id, workflow);
  if (node.waitsFor?.kind === 'gate' || node.waitsFor?.kind === 'calls') execution.gatesOpen--;
  closeJournal(execution, id);
  node.status = status;
  node.waitsFor = null;
  node.startedBy = undefined;
  node.unanswered = undefined;
  node.attempt = Math.max(node.attempt, attempt);
  execution.ready.delete(id);
  execution.unreached.delete(id);
  execution.active.delete(id);
  execution.settled++;
};

const reuse = (execution: Execution, event: EventOf<'NodeReused'>, workflow: Workflow): void => {
  execution.reuses++;
  for (const id of event.data.nodes) {
    settle(execution, id, 'completed', workflow, 0);
    decideEdges(execution, id, Object.hasOwn(event.data.branches, id) ? event.data.branches[id] : undefined, workflow);
  }
};

type GateOpened = EventOf<'ApprovalRequested'> | EventOf<'QuestionRequested'> | EventOf<'EffectUnknown'> | EventOf<'BudgetExhausted'>;

const openGate = (execution: Execution, event: Applied & GateOpened, workflow: Workflow): void => {
  const { gate_id, node_id, attempt } = event.data;
  const key = keyOf(event);
  if (key === undefined) {
    activate(execution, node_id, { status: 'waiting', attempt, waitsFor: { kind: 'gate', gate: gate_id } }, workflow);
    execution.gatesOpen++;
  } else {
    forfeit(execution, node_id);
    waitForCall(execution, node_id, gate_id);
  }
  if (key !== undefined && 'call' in event.data && event.data.call) askAbout(execution, node_id, key, gate_id, event.data.call);
  const about = key === undefined ? {} : { key };
  execution.gates.set(gate_id, { id: gate_id, node: node_id, attempt, ...asked(event), ...about, approvals: [], responses: [], reminded: 0, decided: null });
};

/** Of the call that a gate within an agent is about. */
const keyOf = (event: GateOpened): string | undefined =>
  event.type === 'BudgetExhausted' || (event.type === 'EffectUnknown' && event.data.call) ? event.data.key : event.type === 'EffectUnknown' ? undefined : event.data.key;

const asked = (event: GateOpened): Pick<Gate, 'kind' | 'rules' | 'budget'> => {
  if (event.type === 'EffectUnknown') return { kind: 'effect', rules: effectRules(event.data.prompt) };
  if (event.type === 'BudgetExhausted') {
    const { scope, needed_nano_usd: needed, prompt } = event.data;
    return { kind: 'budget', rules: effectRules(prompt), budget: { scope, needed } };
  }
  const { gate_id: _gate, node_id: _node, attempt: _attempt, key: _key, call: _call, ...rules } = event.data;
  return { kind: event.type === 'ApprovalRequested' ? 'approval' : 'question', rules };
};

/** It runs once more, when whatever else decides that lets it. */
const makeReady = (execution: Execution, id: NodeId): void => {
  const node = execution.nodes.get(id);
  if (node?.waitsFor?.kind !== 'gate') return;
  execution.gatesOpen--;
  Object.assign(node, { status: 'idle', waitsFor: null });
  execution.active.delete(id);
  execution.ready.add(id);
};

const hear = (execution: Execution, event: Applied & EventOf<'ResponseReceived'>): void => {
  const { gate_id, node_id, decision, by, comment, answer, answer_ref, accepted } = event.data;
  const gate = execution.gates.get(gate_id);
  if (!gate) return;
  gate.responses.push(event.commandId);
  if (decision === 'approve') gate.approvals.push(by);
  if (!accepted) return;
  if (decision === 'repeat') makeReady(execution, node_id);
  close(execution, gate_id, { decision: decision ?? 'answer', by, at: event.at, answer, ...(answer_ref ? { answerRef: answer_ref } : {}), comment });
  if (decision === 'approve' && gate.budget) raise(execution, gate, answer);
  if (decision === 'reject' && gate.rules.on_reject === 'reject') execution.rejection = { gate: gate_id, node: node_id, by, comment };
  else releaseCall(execution, gate_id);
};

const raise = (execution: Execution, { node, budget }: Gate, answer: Json): void => {
  const account = budget?.scope === 'execution' ? execution.account : budget?.scope === 'node' ? journalFor(execution, node).account : undefined;
  if (account) account.budget = nanoUsd((answer as { budget_usd: number }).budget_usd);
};

const close = (execution: Execution, id: string, decided: NonNullable<Gate['decided']>): void => {
  const gate = execution.gates.get(id);
  if (gate) gate.decided = decided;
};

import { validateJson, type Workflow } from '@runlog/workflow';
import { spentFrom } from './budgets.js';
import type { CommandOf, GateDecision } from './commands.js';
import type { Decision } from './decide.js';
import { recorded } from './effects.js';
import type { EventOf, ExecutionEvent } from './events.js';
import { type Execution, type Gate, isLimited, isSuspended, isTerminal } from './execution.js';
import type { GateId, Json } from './ids.js';
import { exceeds, inUsd, nanoUsd, plus } from './money.js';
import { refuse } from './refusal.js';
import type { Rejection } from './rejection.js';

export const respond = (command: CommandOf<'Respond'>, execution: Execution, workflow: Workflow): Decision => {
  if (isTaken(command, execution)) return [];
  const gate = chosenGate(command, execution);
  if ('rejected' in gate) return gate;
  if (gate.decided) return decidedAlready(command, gate, gate.decided, execution);
  if (isTerminal(execution.status)) return refuse(command, execution, 'InvalidState', 'execution_ended', `it is ${execution.status} already`);
  if (execution.cancel) return refuse(command, execution, 'InvalidState', 'cancel_requested', 'it is being cancelled');
  const objection = mayAnswer(command, gate, execution) ?? answerProblems(command, gate, execution);
  if (objection) return objection;

  const answer = command.answer ?? null;
  const comment = command.comment ?? null;
  const decision = gate.kind === 'question' ? null : recordedAs(command.decision);
  const needed = gate.rules.approvers?.needed ?? 1;
  const accepted = decision !== 'approve' || gate.approvals.length + 1 >= needed;
  const events: ExecutionEvent[] = [{ type: 'ResponseReceived', data: { node_id: gate.node, gate_id: gate.id, decision, answer, comment, by: command.by, accepted } }];
  if (!accepted) return events;
  if (gate.kind === 'budget') return settleBudget(command, gate, events, execution);
  if (gate.kind === 'effect' && gate.key === undefined) return [...events, ...resumed(execution), ...settleEffect(command, gate, execution, workflow)];
  return [...events, ...resumed(execution, heard(gate, decision)), ...settleGate(gate, { decision: decision ?? 'answer', answer, comment, by: command.by })];
};

const recordedAs = (said: GateDecision | undefined): EventOf<'ResponseReceived'>['data']['decision'] => (said === 'raise' ? 'approve' : (said ?? null));

const isTaken = (command: CommandOf<'Respond'>, execution: Execution): boolean => [...execution.gates.values()].some(({ responses }) => responses.includes(command.id));

/** Tells who comes late which answer was taken. */
const decidedAlready = (command: CommandOf<'Respond'>, gate: Gate, decided: NonNullable<Gate['decided']>, execution: Execution): Rejection => {
  const { decision, by, at, answer, answerRef, comment } = decided;
  const refusal = refuse(command, execution, 'InvalidState', 'gate_decided', `gate '${gate.id}' was answered already: ${decision} by ${by}`);
  const accepted = { gate_id: gate.id, node_id: gate.node, decision, by, at: new Date(at).toISOString(), answer, ...(answerRef ? { answer_ref: { ...answerRef } } : {}), comment };
  return { ...refusal, state: { status: execution.status, version: execution.version, accepted } };
};

export const expireGate = (command: CommandOf<'FireTimer'>, id: GateId, execution: Execution): Decision => {
  const gate = execution.gates.get(id);
  if (!gate || gate.decided) return refuse(command, execution, 'InvalidState', 'timer_settled', `gate '${id}' is not open`);
  if (gate.rules.expires_at === null || command.at < gate.rules.expires_at) return refuse(command, execution, 'InvalidState', 'timer_early', `gate '${id}' has not expired`);
  if (execution.cancel) return refuse(command, execution, 'InvalidState', 'cancel_requested', 'it is being cancelled');
  const { on_expiry: rule } = gate.rules;
  const outcome = typeof rule === 'string' ? rule : 'answer';
  const answer: Json = typeof rule === 'string' ? null : rule.answer;
  const expired: ExecutionEvent = { type: 'GateExpired', data: { node_id: gate.node, gate_id: id, outcome, answer } };
  if (outcome === 'fail') return [expired, ...resumed(execution), failedGate(gate, 'gate_expired', `Nobody answered gate '${id}' in time`)];
  return [expired, ...resumed(execution, heard(gate, outcome)), ...settleGate(gate, { decision: outcome, answer, comment: null, by: 'system:gate_expired' })];
};

export const remindGate = (command: CommandOf<'FireTimer'>, id: GateId, nth: number, execution: Execution): Decision => {
  const gate = execution.gates.get(id);
  const due = gate?.rules.reminders_at[nth - 1];
  if (!gate || gate.decided || gate.reminded >= nth || due === undefined)
    return refuse(command, execution, 'InvalidState', 'timer_settled', `gate '${id}' needs no reminder ${nth}`);
  if (command.at < due) return refuse(command, execution, 'InvalidState', 'timer_early', `reminder ${nth} of gate '${id}' is not due`);
  if (execution.cancel) return refuse(command, execution, 'InvalidState', 'cancel_requested', 'it is being cancelled');
  return [{ type: 'GateReminded', data: { node_id: gate.node, gate_id: id, nth } }];
};

/** The gate, where all that follows from the decision is that an agent hears of it in its journal. */
const heard = (gate: Gate, decision: string | null): Gate | undefined =>
  gate.key !== undefined && (decision !== 'reject' || gate.rules.on_reject === 'branch') ? gate : undefined;

/** One that is in a queue is resumed by its admission, an agent that waits for other answers by the last of them. */
export const resumed = (execution: Execution, decided?: Gate): ExecutionEvent[] =>
  isSuspended(execution.status) && !isLimited(execution) && !waitsOn(execution, decided) ? [{ type: 'ExecutionResumed', data: {} }] : [];

/** Its agent has other gates open, and the execution's status is the same without this one. */
const waitsOn = ({ nodes, gates, status }: Execution, decided: Gate | undefined): boolean => {
  const waitsFor = decided && nodes.get(decided.node)?.waitsFor;
  if (!decided || waitsFor?.kind !== 'calls' || waitsFor.gates.length === 1) return false;
  const others = [...gates.values()].filter((gate) => gate !== decided && gate.decided === null);
  return others.some(({ kind }) => kind === 'approval') === (status === 'awaiting_approval');
};

/** The node's end for a settled gate. A plain `reject` completes the node; that it rejects the execution is in the response. */
const settleGate = (gate: Gate, settled: { decision: string; answer: Json; comment: string | null; by: string }): ExecutionEvent[] => {
  const attempt = { node_id: gate.node, attempt: gate.attempt };
  if (gate.key !== undefined && (settled.decision !== 'reject' || gate.rules.on_reject !== 'fail')) return [];
  if (gate.kind === 'question') return [{ type: 'NodeCompleted', data: { ...attempt, output: { answer: settled.answer, by: settled.by } } }];
  const approved = settled.decision !== 'reject';
  if (!approved && gate.rules.on_reject === 'fail')
    return [failedGate(gate, 'gate_rejected', `${settled.by} rejected gate '${gate.id}'${settled.comment ? `: ${settled.comment}` : ''}`)];
  const output = { decision: approved ? 'approve' : 'reject', by: settled.by, comment: settled.comment, answer: settled.answer };
  return [{ type: 'NodeCompleted', data: { ...attempt, output, branch: approved ? 'approved' : 'rejected' } }];
};

/** A raise answers whoever else asks for the same budget, too: nobody has to be told twice. */
const settleBudget = (command: CommandOf<'Respond'>, gate: Gate, events: ExecutionEvent[], execution: Execution): ExecutionEvent[] => {
  if (command.decision === 'fail') return [...events, ...resumed(execution), failedGate(gate, 'budget_exhausted', `${command.by} did not raise the budget: ${gate.rules.prompt}`)];
  const others = [...execution.gates.values()].filter((one) => one !== gate && one.decided === null && one.budget?.scope === 'execution' && gate.budget?.scope === 'execution');
  const told = others.map(
    ({ id: gate_id, node: node_id }): ExecutionEvent => ({
      type: 'ResponseReceived',
      data: { node_id, gate_id, decision: 'approve', answer: command.answer ?? null, comment: command.comment ?? null, by: command.by, accepted: true },
    }),
  );
  return [...events, ...told, ...resumed(execution)];
};

/** What a person says became of it. `repeat` needs no event of its own: the response makes the node ready again. */
const settleEffect = (command: CommandOf<'Respond'>, gate: Gate, execution: Execution, workflow: Workflow): ExecutionEvent[] => {
  if (command.decision === 'repeat') return [];
  if (command.decision === 'fail') return [failedGate(gate, 'effect_unknown', `${command.by} said that it failed${command.comment ? `: ${command.comment}` : ''}`)];
  const attempt = { node_id: gate.node, attempt: gate.attempt };
  const given = { output: command.answer ?? null, ...(command.answerRef ? { output_ref: command.answerRef } : {}) };
  return [...recorded(execution, workflow, gate.node, gate.attempt), { type: 'NodeCompleted', data: { ...attempt, ...given } }];
};

const failedGate = (gate: Gate, code: string, message: string): ExecutionEvent => ({
  type: 'NodeFailed',
  data: { node_id: gate.node, attempt: gate.attempt, error: { code, message, retryable: false }, final: true },
});

const chosenGate = (command: CommandOf<'Respond'>, execution: Execution): Gate | Rejection => {
  const gates = [...execution.gates.values()];
  if (command.gate !== undefined || command.node !== undefined) {
    const named = gates.filter((gate) => (command.gate === undefined || gate.id === command.gate) && (command.node === undefined || gate.node === command.node));
    const undecided = named.filter((one) => !one.decided);
    if (undecided.length > 1) return ambiguous(command, undecided, execution);
    const gate = undecided[0] ?? named.at(-1);
    if (gate) return gate;
    if (gates.every((one) => one.decided)) return refuse(command, execution, 'InvalidState', 'no_open_gate', `it waits for no answer (it is ${execution.status})`);
    const pointer = command.gate === undefined ? '/node_id' : '/gate_id';
    return refuse(command, execution, 'InvalidArgument', 'gate_unknown', `it has no such gate; open: ${listed(gates)}`, [
      { pointer, detail: `expected one of the open gates: ${listed(gates)}` },
    ]);
  }
  const open = gates.filter((gate) => !gate.decided);
  if (open.length === 1 && open[0]) return open[0];
  const [last] = gates.slice(-1);
  if (open.length === 0 && last && gates.every(({ node }) => node === last.node)) return last;
  if (open.length === 0) return refuse(command, execution, 'InvalidState', 'no_open_gate', `it waits for no answer (it is ${execution.status})`);
  return ambiguous(command, open, execution);
};

const ambiguous = (command: CommandOf<'Respond'>, open: readonly Gate[], execution: Execution): Rejection => {
  const names = command.node === undefined ? 'gate_id or node_id' : 'gate_id';
  const refusal = refuse(command, execution, 'InvalidState', 'gate_ambiguous', `${open.length} gates are open, name one with ${names}: ${listed(open)}`);
  const state = { status: execution.status, version: execution.version, open_gates: open.map(({ id, node, kind }) => ({ id, node_id: node, kind })) };
  return { ...refusal, state };
};

const listed = (gates: readonly Gate[]): string =>
  gates
    .filter((gate) => !gate.decided)
    .map((gate) => `'${gate.id}'`)
    .join(', ') || 'none';

const mayAnswer = (command: CommandOf<'Respond'>, gate: Gate, execution: Execution): Rejection | undefined => {
  const { approvers } = gate.rules;
  if (!approvers) return undefined;
  const named = approvers.users.length > 0 || approvers.roles.length > 0;
  const user = command.by.replace(/^user:/, '');
  const allowed = !named || approvers.users.includes(user) || approvers.users.includes(command.by) || command.roles.some((role) => approvers.roles.includes(role));
  if (!allowed) return refuse(command, execution, 'NotAllowed', 'not_an_approver', `${command.by} may not answer gate '${gate.id}'`);
  if (approvers.exclude_starter && command.by === execution.created.created_by)
    return refuse(command, execution, 'NotAllowed', 'starter_excluded', `${command.by} started the execution and may not answer gate '${gate.id}'`);
  if (gate.approvals.includes(command.by))
    return refuse(
      command,
      execution,
      'InvalidState',
      'already_answered',
      `${command.by} has approved gate '${gate.id}' already; ${gate.approvals.length} of ${approvers.needed} are there`,
    );
  return undefined;
};

/** Less than what is spent and what comes next may cost would only be asked for again. Of other scopes it is raised elsewhere, and asked again. */
const budgetProblem = (
  { decision, answer }: CommandOf<'Respond'>,
  gate: Gate,
  execution: Execution,
  invalid: (pointer: string, detail: string) => Rejection,
): Rejection | undefined => {
  const spent = gate.budget ? spentFrom(execution, gate.budget.scope, gate.node) : null;
  if (decision !== 'raise' || spent === null || !gate.budget) return undefined;
  const usd = typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? answer.budget_usd : undefined;
  if (usd !== undefined && Object.keys(answer as object).length > 1) return invalid('/answer', 'expected budget_usd and nothing else');
  if (typeof usd !== 'number' || !(usd > 0 && usd <= 1_000_000)) return invalid('/answer/budget_usd', 'expected the new total in USD, a number above 0 and at most 1,000,000');
  const least = plus(spent, gate.budget.needed);
  return exceeds(least, nanoUsd(usd))
    ? invalid('/answer/budget_usd', `expected at least ${inUsd(least)}: ${inUsd(spent)} is spent, and what comes next may cost ${inUsd(gate.budget.needed)}`)
    : undefined;
};

/** Decisions that a gate of each kind takes. A question needs none, and overlooks those of an approval. */
const decisions: Readonly<Record<Gate['kind'], readonly string[]>> = {
  approval: ['approve', 'reject'],
  question: ['approve', 'reject'],
  effect: ['done', 'repeat', 'fail'],
  budget: ['raise', 'fail'],
};
const named = (words: readonly string[]): string => words.map((word, i) => `${i === 0 ? '' : i === words.length - 1 ? ' or ' : ', '}'${word}'`).join('');

const answerProblems = (command: CommandOf<'Respond'>, gate: Gate, execution: Execution): Rejection | undefined => {
  const invalid = (pointer: string, detail: string) =>
    refuse(command, execution, 'InvalidArgument', 'answer_invalid', `the answer to gate '${gate.id}' does not fit`, [{ pointer, detail }]);
  const { [gate.kind]: words } = decisions;
  const isSaid = command.decision !== undefined;
  if (isSaid ? !words.includes(command.decision as string) : gate.kind !== 'question')
    return invalid('/decision', gate.kind === 'question' ? 'expected no decision, but an answer: the gate is a question' : `expected ${named(words)}: the gate is an ${gate.kind}`);
  if (gate.kind === 'budget') return budgetProblem(command, gate, execution, invalid);
  if (command.decision === 'done' && command.answer === undefined && command.answerRef === undefined)
    return invalid('/answer', 'expected the receipt: what the node gives to those that follow it, or null');
  if (gate.kind === 'question' && command.answer === undefined) return invalid('/answer', 'expected an answer: the gate is a question');
  if (gate.rules.schema === null || (gate.kind === 'approval' && command.decision === 'reject' && command.answer === undefined)) return undefined;
  const problems = validateJson(gate.rules.schema, command.answer ?? null);
  if (problems.length === 0) return undefined;
  const errors = problems.map(({ pointer, detail }) => ({ pointer: `/answer${pointer}`, detail }));
  return refuse(command, execution, 'InvalidArgument', 'answer_invalid', `the answer to gate '${gate.id}' breaks its schema`, errors);
};

import type { CompiledNode, Workflow } from '@runlog/workflow';
import type { CallIntent } from './agent-calls.js';
import { failsWithoutBudget, isBudgeted, type Shortfall, shortfallOf } from './budgets.js';
import type { CommandOf } from './commands.js';
import type { Decision } from './decide.js';
import { acknowledged, running } from './decide-nodes.js';
import { told } from './decide-records.js';
import type { ExecutionEvent } from './events.js';
import type { Execution } from './execution.js';
import type { GateId } from './ids.js';
import { refuse } from './refusal.js';
import type { Rejection } from './rejection.js';
import { gateAbout } from './settle.js';

type Step = CommandOf<'TakeStep' | 'ParkNode'>;

/** Calls begin, or are refused. With a refusal there may be events, too: those that ask for a larger budget. */
export interface BeginsDecision {
  readonly events: readonly ExecutionEvent[];
  readonly refused?: Rejection;
}

/** What the last calls came to is recorded, whatever is decided on those that follow (`decideBegins`). */
export const takeStep = (command: CommandOf<'TakeStep'>, execution: Execution): Decision => {
  const node = running(command, execution);
  return 'rejected' in node ? (parked(command, execution) ?? node) : told(command.records, command, execution);
};

/** The second half of deciding a step, on the state that its records have left. The same step again is decided the same. */
export const decideBegins = (command: CommandOf<'TakeStep'>, execution: Execution, workflow: Workflow): BeginsDecision => {
  const node = running(command, execution);
  if ('rejected' in node) return refused(parked(command, execution) ?? node);
  if (execution.cancel) return refused(refuse(command, execution, 'InvalidState', 'cancel_requested', 'it is being cancelled'));
  const definition = definitionOf(command, workflow);
  const journal = execution.journals.get(command.node);
  const begins = new Map(command.begins.map((intent) => [intent.key, intent]));
  const fresh = [...begins.values()].filter(({ key }) => !isBegunBy(command, key, execution));
  for (const intent of fresh) {
    const objection = objectionTo(intent, command, execution);
    if (objection) return refused(objection);
  }
  const due = fresh.filter(({ key }) => !journal?.reservations.has(key));
  const short = shortfallOf(due, execution, definition, command.account);
  if (short) return withoutMoney(command, short, execution, workflow);
  const reserves = isBudgeted(execution, definition, command.account);
  return { events: fresh.flatMap((intent) => begun(intent, command, reserves && due.includes(intent))) };
};

/** The runner lets go of its agent, which waits for people. The same command again finds that done. */
export const parkNode = (command: CommandOf<'ParkNode'>, execution: Execution): Decision => {
  const node = running(command, execution);
  const isBegun = parked(command, execution) !== undefined;
  if ('rejected' in node && !isBegun) return node;
  if (command.asks.length === 0) return refuse(command, execution, 'InvalidArgument', 'nothing_asked', 'it would wait for nothing');
  const calls = isBegun ? [] : told(command.records, command, execution);
  if (execution.cancel) return isBegun ? [] : [...calls, acknowledged(command, 'stopped')];
  const due = command.asks.filter(({ key }) => !execution.gates.has(gateOf(command, key)));
  return [...calls, ...due.map((ask) => gateAbout(ask, { node_id: command.node, attempt: command.attempt, gate_id: gateOf(command, ask.key) }, command.at))];
};

/** Says so where the attempt waits for people already: its runner may let go of it. */
const parked = (command: Step, execution: Execution): Rejection | undefined => {
  const node = execution.nodes.get(command.node);
  const isParked = node?.waitsFor?.kind === 'calls' && node.attempt === command.attempt && node.runner === command.runner;
  return isParked ? refuse(command, execution, 'InvalidState', 'parked', `attempt ${command.attempt} of node '${command.node}' waits for people`) : undefined;
};

const refused = (rejection: Rejection): BeginsDecision => ({ events: [], refused: rejection });

const gateOf = ({ node, attempt }: Step, key: string): GateId => `${node}.${attempt}.${key}`;

const definitionOf = (command: Step, workflow: Workflow): CompiledNode => {
  const definition = workflow.nodes.get(command.node);
  if (!definition) throw new Error(`Expected node '${command.node}' in workflow version '${workflow.versionId}', but it has none`);
  return definition;
};

const isBegunBy = (command: Step, key: string, execution: Execution): boolean => execution.journals.get(command.node)?.calls.get(key)?.begunBy === command.id;

/** No call is begun again that has its receipt, or is under way, or that people have said no to. */
const objectionTo = ({ key }: CallIntent, command: Step, execution: Execution): Rejection | undefined => {
  const call = execution.journals.get(command.node)?.calls.get(key);
  const decision = call?.gate === undefined ? undefined : execution.gates.get(call.gate)?.decided?.decision;
  if (call?.standing === 'recorded') return refuse(command, execution, 'InvalidState', 'call_recorded', `call '${key}' of node '${command.node}' has its receipt`);
  if (call?.standing === 'begun' && call.attempt === command.attempt)
    return refuse(command, execution, 'InvalidState', 'call_begun', `call '${key}' of node '${command.node}' is under way`);
  if (decision === 'reject' || decision === 'fail' || decision === 'done')
    return refuse(command, execution, 'InvalidState', 'call_rejected', `people answered '${decision}' to call '${key}' of node '${command.node}'`);
  return undefined;
};

const begun = ({ key, kind, name, reserve_nano_usd, arguments_sha256 }: CallIntent, { node, attempt }: Step, reserves: boolean): ExecutionEvent[] => {
  const about = { node_id: node, attempt, key };
  const call = { kind, name, ...(arguments_sha256 === undefined ? {} : { arguments_sha256 }) };
  const intended: ExecutionEvent = { type: 'EffectIntended', data: { ...about, call } };
  return reserves && reserve_nano_usd !== null ? [{ type: 'BudgetReserved', data: { ...about, nano_usd: reserve_nano_usd } }, intended] : [intended];
};

const withoutMoney = (command: CommandOf<'TakeStep'>, short: Shortfall, execution: Execution, workflow: Workflow): BeginsDecision => {
  if (short.reason !== 'budget_exhausted' || failsWithoutBudget(workflow, definitionOf(command, workflow)))
    return refused(refuse(command, execution, 'InvalidState', short.reason, short.detail));
  const key = command.begins[0]?.key ?? '';
  const { scope, needed: needed_nano_usd, left: left_nano_usd, detail } = short;
  const isOwn = scope === 'execution' || scope === 'node';
  const raise = isOwn ? `Raise it (decision 'raise', answer {"budget_usd": <new total>})` : `Once it is raised, ask it again (decision 'raise')`;
  const prompt = `Of node '${command.node}', ${detail}. ${raise}, or 'fail'`;
  const data = { node_id: command.node, attempt: command.attempt, key, gate_id: gateOf(command, key), needed_nano_usd, left_nano_usd, scope, prompt };
  return { events: [{ type: 'BudgetExhausted', data }], refused: refuse(command, execution, 'InvalidState', 'parked', `${detail}: people are asked to raise it`) };
};

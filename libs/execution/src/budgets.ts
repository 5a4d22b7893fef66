import type { CompiledNode, Workflow } from '@runlog/workflow';
import type { AccountStanding, BudgetScope, CallIntent } from './agent-calls.js';
import type { Execution } from './execution.js';
import { type Account, emptyAccount } from './journal.js';
import { exceeds, inUsd, minus, type NanoUsd, nanoUsd, plus } from './money.js';

/** A budget that applies to the calls of a node, and how it stands. */
interface Budget extends Omit<Account, 'budget'> {
  readonly scope: BudgetScope;
  /** What sets it, in the words of whoever did. */
  readonly member: string;
  readonly total: NanoUsd;
}

/** Why calls may not begin. `exhausted`: the budget has to be raised; of the others nobody is asked. */
export type Shortfall =
  | { readonly reason: 'price_unknown' | 'budget_busy'; readonly detail: string }
  | { readonly reason: 'budget_exhausted'; readonly detail: string; readonly scope: BudgetScope; readonly needed: NanoUsd; readonly left: NanoUsd };

/** What the execution's models may cost in all: as it was created, or as it was raised to. */
export const budgetOf = ({ account, created }: Execution): NanoUsd | null => account.budget ?? created.budget_nano_usd;

/** The execution's own, and of an agent within a workflow the node's: that of an agent executed by itself is the execution's. */
const budgetsOf = (execution: Execution, node: CompiledNode): Budget[] => {
  const { spent, reserved } = execution.account;
  const total = budgetOf(execution);
  const own = execution.journals.get(node.id)?.account ?? emptyAccount();
  const limit = node.agent?.limits.budget_usd;
  const ofAgent = limit === undefined ? null : nanoUsd(limit);
  const isByItself = execution.created.agent_id !== null;
  const ofNode = own.budget ?? (isByItself ? null : ofAgent);
  const agents = `'limits.budget_usd' of agent '${node.agent?.key}'`;
  const member = isByItself && total !== null && total === ofAgent ? agents : "'budget_usd'";
  return [
    ...(total === null ? [] : [{ scope: 'execution' as const, member, total, spent, reserved }]),
    ...(ofNode === null ? [] : [{ scope: 'node' as const, member: agents, total: ofNode, spent: own.spent, reserved: own.reserved }]),
  ];
};

/** Some budget applies to the calls of the node: what they may cost is reserved, and has to be known. */
export const isBudgeted = (execution: Execution, node: CompiledNode, account: AccountStanding | undefined): boolean =>
  account !== undefined || budgetsOf(execution, node).length > 0;

/** What keeps these calls from beginning, if anything does. */
export const shortfallOf = (calls: readonly CallIntent[], execution: Execution, node: CompiledNode, account: AccountStanding | undefined): Shortfall | undefined => {
  if (!isBudgeted(execution, node, account)) return undefined;
  const unpriced = calls.find(({ kind, reserve_nano_usd }) => kind === 'model' && reserve_nano_usd === null);
  if (unpriced)
    return { reason: 'price_unknown', detail: `there is a budget, and no price of model '${unpriced.name}' is known: set one in RUNLOG_PRICES, or run it without a budget` };
  const needed = calls.reduce((sum, { reserve_nano_usd }) => plus(sum, reserve_nano_usd ?? '0'), '0');
  if (needed === '0') return undefined;
  const standings = budgetsOf(execution, node).map((budget) => ({ budget, fit: fit(budget, needed) }));
  const exhausted = standings.find(({ fit }) => fit === 'never')?.budget;
  if (exhausted) return exhaustedBy(exhausted, needed, leftOf(exhausted));
  if (account?.outcome === 'exhausted') return exhaustedBy({ scope: account.scope, member: "'budget_usd'" }, account.needed_nano_usd, account.left_nano_usd);
  if (account?.outcome === 'busy' || standings.some(({ fit }) => fit === 'maybe'))
    return { reason: 'budget_busy', detail: 'other calls that are under way may use up the budget: ask again when they have ended' };
  return undefined;
};

/** Whether a further amount fits: now, once calls under way have cost less than was reserved for them, or never. */
const fit = ({ total, spent, reserved }: Budget, needed: NanoUsd): 'now' | 'maybe' | 'never' => {
  if (!exceeds(plus(plus(spent, reserved), needed), total)) return 'now';
  return exceeds(plus(spent, needed), total) ? 'never' : 'maybe';
};

const exhaustedBy = ({ scope, member }: Pick<Budget, 'scope' | 'member'>, needed: NanoUsd, left: NanoUsd): Shortfall => ({
  reason: 'budget_exhausted',
  scope,
  needed,
  left,
  detail: `the budget of the ${scope} (${member}) leaves ${inUsd(left)}, and what comes next may cost ${inUsd(needed)}`,
});

/** Not less than nothing, although a call may have cost more than it could at most. */
const leftOf = ({ total, spent }: Budget): NanoUsd => (exceeds(spent, total) ? '0' : minus(total, spent));

/** What is spent from the budget that a gate asks to raise; null: it is not the execution's to raise. */
export const spentFrom = (execution: Execution, scope: BudgetScope, node: string): NanoUsd | null => {
  if (scope === 'execution') return execution.account.spent;
  return scope === 'node' ? (execution.journals.get(node)?.account.spent ?? '0') : null;
};

/** An exhausted budget fails the node; else people are asked to raise it. */
export const failsWithoutBudget = (workflow: Workflow, node: CompiledNode): boolean => (workflow.settings.on_budget ?? node.agent?.limits.on_budget) === 'fail';

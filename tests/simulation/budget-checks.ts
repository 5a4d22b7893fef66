import { spentFrom } from './budget-statements.js';
import type { Fact } from './history.js';
import { workspaceId } from './workflows.js';
import type { World } from './world.js';

/** They end an attempt, or let its runner go: what is open then counts as spent. */
const lettingGo = new Set(['AttemptLost', 'NodeFailed', 'NodeStopped', 'NodeCompleted', 'ApprovalRequested', 'QuestionRequested', 'EffectUnknown', 'BudgetExhausted']);
const endings = new Set(['ExecutionCompleted', 'ExecutionFailed', 'ExecutionRejected', 'ExecutionCancelled']);

/** What all executions have spent and reserved together, event by event as they landed. */
class Ledger {
  spent = 0n;
  readonly #open = new Map<string, bigint>();

  get reserved(): bigint {
    return [...this.#open.values()].reduce((sum, amount) => sum + amount, 0n);
  }

  book({ type, data, executionId }: Fact): void {
    const node = `${executionId} ${String(data.node_id)} `;
    const call = `${node}${String(data.key)}`;
    if (type === 'BudgetReserved') this.#open.set(call, BigInt(String(data.nano_usd)));
    if (type === 'TokensUsed') this.#settle(call, data.cost_nano_usd === null ? (this.#open.get(call) ?? 0n) : BigInt(String(data.cost_nano_usd)));
    if (type === 'EffectRecorded' && data.call) this.#settle(call, 0n);
    const left = endings.has(type) ? `${executionId} ` : lettingGo.has(type) ? node : undefined;
    if (left !== undefined) for (const [one, amount] of [...this.#open]) if (one.startsWith(left)) this.#settle(one, amount);
  }

  #settle(call: string, amount: bigint): void {
    this.#open.delete(call);
    this.spent += amount;
  }
}

/** J8: what a workspace has spent and reserved never is more than its budget, whoever decides at the same time; the account says what the log says. */
export const workspaceBudgets = ({ history, clients, tables }: World): string[] => {
  const { limits } = clients.budgets;
  const ledger = new Ledger();
  const found: string[] = [];
  for (const fact of history.facts.toSorted((a, b) => a.landedAt - b.landedAt)) {
    ledger.book(fact);
    const limit = limits.findLast(({ at }) => at <= fact.landedAt)?.nanoUsd;
    if (limit !== undefined && ledger.spent + ledger.reserved > limit)
      found.push(`J8: ${ledger.spent} were spent and ${ledger.reserved} reserved of ${limit} nano-USD at ${fact.type} of '${fact.executionId}', version ${fact.version}`);
  }
  const account = spentFrom(tables, `workspace:${workspaceId}`);
  if (account !== String(ledger.spent)) found.push(`J8: the account says that ${account} nano-USD were spent, the log ${ledger.spent}`);
  return found.slice(0, 3);
};

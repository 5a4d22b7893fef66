import type { Random } from './random.js';
import type { Tables } from './tables.js';
import { workspaceId } from './workflows.js';

/** An admin who has set a budget of the workspace before anything began, and raises it when asked. In some seeds there is none. */
export class BudgetPeople {
  /** Nano-USD, and since when. */
  readonly limits: { readonly at: number; readonly nanoUsd: bigint }[] = [];

  constructor(
    private readonly tables: Tables,
    random: Random,
  ) {
    if (random.chance(0.5)) this.#set(BigInt(random.pick([1_500, 4_000, 15_000])), 0);
  }

  raise(byNanoUsd: bigint): void {
    const last = this.limits.at(-1);
    if (last) this.#set(last.nanoUsd + byNanoUsd, Date.now());
  }

  #set(nanoUsd: bigint, at: number): void {
    const account = `workspace:${workspaceId}`;
    this.tables.budget_accounts.set(account, { account, workspace_id: workspaceId, budget: String(nanoUsd), period: 'total' });
    this.limits.push({ at, nanoUsd });
  }
}

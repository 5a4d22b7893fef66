import type { Database } from '../database.js';

export type BudgetPeriod = 'total' | 'month' | 'day';

/** What a workspace's models may cost in a period: in UTC, `total` has no end. */
export interface BudgetSetting {
  readonly workspaceId: string;
  readonly budgetNanoUsd: string;
  readonly period: BudgetPeriod;
  readonly by: string;
  readonly at: number;
}

/** A workspace's budget and how it stands in its present period, nano-USD. */
export interface WorkspaceBudget {
  readonly budgetNanoUsd: string;
  readonly period: BudgetPeriod;
  readonly spentNanoUsd: string;
  /** Set aside for calls that are under way. */
  readonly reservedNanoUsd: string;
  readonly updatedAt: number;
  readonly updatedBy: string;
}

const accountOf = (workspaceId: string): string => `workspace:${workspaceId}`;

/** The first UTC day of the period that an instant is in, `YYYY-MM-DD`. */
export const beginOfPeriod = (period: string, at: number): string => {
  const day = new Date(at).toISOString().slice(0, 10);
  if (period === 'day') return day;
  return period === 'month' ? `${day.slice(0, 8)}01` : '0001-01-01';
};

/** Effective for every call that has not begun yet. False: there was one before. */
export const putBudget = async (database: Database, { workspaceId, budgetNanoUsd, period, by, at }: BudgetSetting): Promise<boolean> => {
  const [row] = await database.query<{ created: boolean }>(
    `insert into budget_accounts (account, workspace_id, budget_nano_usd, period, updated_at, updated_by) values ($1, $2, $3, $4, $5, $6)
     on conflict (account) do update set budget_nano_usd = excluded.budget_nano_usd, period = excluded.period, updated_at = excluded.updated_at, updated_by = excluded.updated_by
     returning xmax = 0 as created`,
    [accountOf(workspaceId), workspaceId, budgetNanoUsd, period, at, by],
  );
  return row?.created === true;
};

/** False: there was none. */
export const removeBudget = async (database: Database, workspaceId: string): Promise<boolean> =>
  (await database.query('delete from budget_accounts where account = $1 returning 1', [accountOf(workspaceId)])).length > 0;

export const budgetOf = async (database: Database, workspaceId: string, at: number): Promise<WorkspaceBudget | null> => {
  const [row] = await database.tenant(workspaceId).query<{ budget: string; period: BudgetPeriod; spent: string; reserved: string; updated_at: number; updated_by: string }>(
    `select a.budget_nano_usd::text as budget, a.period, a.updated_at, a.updated_by,
       coalesce((select sum(s.spent_nano_usd) from budget_spending s
         where s.account = a.account and s.day >= case a.period when 'day' then $2::date when 'month' then $3::date else '0001-01-01'::date end), 0)::text as spent,
       coalesce((select sum(r.nano_usd) from budget_reservations r where r.account = a.account), 0)::text as reserved
     from budget_accounts a where a.account = $1`,
    [accountOf(workspaceId), beginOfPeriod('day', at), beginOfPeriod('month', at)],
  );
  return row
    ? {
        budgetNanoUsd: row.budget,
        period: row.period,
        spentNanoUsd: row.spent,
        reservedNanoUsd: row.reserved,
        updatedAt: row.updated_at,
        updatedBy: row.updated_by,
      }
    : null;
};

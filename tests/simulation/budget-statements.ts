import { found, type Row, type Statement, type Tables } from './tables.js';

const zipped = (columns: readonly string[], values: readonly unknown[]): Row[] =>
  (values[0] as unknown[]).map((_, at) => Object.fromEntries(columns.map((column, index) => [column, (values[index] as unknown[])[at]])));

const idOf = (row: Row): string => [row.execution_id, row.node_id, row.attempt, row.key, row.command_id, row.account].join(' ');
const callColumns = ['account', 'execution_id', 'node_id', 'attempt', 'key', 'command_id'];
const sumOf = (rows: Iterable<Row>, column: string): string => [...rows].reduce((sum, row) => sum + BigInt(row[column] as string), 0n).toString();

/** Spent from an account, of that what is known to be settled. */
export const spentFrom = ({ budget_spending }: Tables, account: unknown, since = ''): string =>
  sumOf(
    [...budget_spending.values()].filter((row) => row.account === account && (row.day as string) >= since),
    'spent_nano_usd',
  );

const named = ({ budget_accounts }: Tables, names: unknown): Row[] => found(budget_accounts, [...(names as string[])].sort());

/** Of accounts beyond an execution, by name. */
export const budgetStatements: Readonly<Record<string, Statement>> = {
  budgets_any: (tables, [names]) => named(tables, names),
  budgets_open_trees: ({ budget_accounts }, columns) => {
    for (const { account, workspace_id, budget } of zipped(['account', 'workspace_id', 'budget'], columns))
      if (!budget_accounts.has(account as string)) budget_accounts.set(account as string, { account, workspace_id, budget, period: 'total' });
    return [];
  },
  budgets_lock: (tables, [names]) => named(tables, names).map(({ account, budget, period }) => ({ account, budget, period })),
  budgets_sums: (tables, [names, since]) =>
    (names as string[]).map((account, at) => ({
      account,
      spent: spentFrom(tables, account, (since as string[])[at]),
      reserved: sumOf(
        [...tables.budget_reservations.values()].filter((row) => row.account === account),
        'nano_usd',
      ),
    })),
  budgets_held: ({ budget_reservations }, [ids]) => [...budget_reservations.values()].filter(({ execution_id }) => (ids as unknown[]).includes(execution_id)),
  budgets_reserve: ({ budget_reservations }, columns) => {
    for (const row of zipped([...callColumns, 'workspace_id', 'nano_usd'], columns)) if (!budget_reservations.has(idOf(row))) budget_reservations.set(idOf(row), row);
    return [];
  },
  budgets_release: ({ budget_reservations }, columns) => {
    for (const row of zipped(callColumns, columns)) budget_reservations.delete(idOf(row));
    return [];
  },
  budgets_sweep: ({ budget_reservations, executions }, [names]) => {
    for (const [id, row] of budget_reservations)
      if ((names as unknown[]).includes(row.account) && /^(completed|failed|cancelled|rejected)$/.test(executions.get(row.execution_id as string)?.status as string))
        budget_reservations.delete(id);
    return [];
  },
};

/** Read within a transaction, at once. */
export const budgetReads: ReadonlySet<string> = new Set(['budgets_sums', 'budgets_held']);

/** What a statement of a transaction locks. */
export const budgetLocks: Readonly<Record<string, (values: readonly unknown[]) => string[]>> = {
  budgets_lock: ([names]) => [...(names as string[])].sort().map((name) => `budget ${name}`),
};

/** How the projection writes, by table. */
export const budgetWrites: Readonly<Record<string, (tables: Tables, row: Row) => void>> = {
  budget_spending: ({ budget_spending }, row) => {
    const id = [row.account, row.day, row.partition].join(' ');
    const known = budget_spending.get(id);
    budget_spending.set(id, known ? { ...known, spent_nano_usd: String(BigInt(known.spent_nano_usd as string) + BigInt(row.spent_nano_usd as string)) } : row);
  },
  budget_reservations: ({ budget_reservations }, row) => {
    for (const [id, held] of budget_reservations) {
      const isOf = (column: string): boolean => row[column] === null || row[column] === held[column];
      if (held.execution_id === row.execution_id && isOf('node_id') && isOf('key') && (row.attempt === null || (held.attempt as number) <= (row.attempt as number)))
        budget_reservations.delete(id);
    }
  },
};

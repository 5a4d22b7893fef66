import { type AccountStanding, type CommandOf, type ExecutionCommand, isTerminal } from '@runlog/execution';
import { beginOfPeriod, type Database, type Sql } from '@runlog/read-model';
import type { Received } from './decision.js';
import type { Residents } from './residents.js';

/** What is set aside in one account for one call, by the command that asks whether it may begin: another one for the same call has its own. */
export interface Reservation {
  readonly account: string;
  readonly execution_id: string;
  readonly node_id: string;
  readonly attempt: number;
  readonly key: string;
  readonly command_id: string;
  readonly workspace_id: string;
  readonly nano_usd: string;
}

interface Parts {
  readonly database: Database;
  readonly residents: Pick<Residents, 'get'>;
}

/** A step that calls models, and the accounts that they are paid from. */
interface Spender {
  readonly step: CommandOf<'TakeStep'>;
  readonly accounts: readonly string[];
  /** Of a root that has a budget for all that it starts. */
  readonly tree?: { readonly account: string; readonly budget: string };
}

interface Account {
  readonly scope: 'tree' | 'workspace';
  readonly budget: bigint;
  readonly spent: bigint;
  reserved: bigint;
}

const callsModels = (command: ExecutionCommand): command is CommandOf<'TakeStep'> => command.type === 'TakeStep' && command.begins.some(({ kind }) => kind === 'model');

/** Some of these commands call models, so that budgets beyond their executions may apply. */
export const maySpend = (received: readonly Received[]): boolean => received.some(({ command }) => callsModels(command));

/**
 * The commands, steps that call models with what the accounts of their tree and workspace say. What they may cost is reserved there by
 * then: whoever may begin on one partition leaves less for all others, whatever they have heard.
 */
export const withAccounts = async (received: readonly Received[], parts: Parts): Promise<readonly Received[]> => {
  const spenders = received.flatMap(({ command }) => (callsModels(command) && !hasEnded(command, parts) ? [spenderOf(command, received, parts)] : []));
  if (spenders.length === 0) return received;
  const standings = await reserve(spenders, parts.database);
  return received.map((one) => {
    const found = callsModels(one.command) ? standings.get(one.command) : undefined;
    return found ? { ...one, command: { ...one.command, account: found.standing } as ExecutionCommand, reserved: found.reserved, fresh: found.fresh } : one;
  });
};

/** Gives back what was reserved for calls that did not begin. */
export const release = async (reservations: readonly Reservation[], sql: Sql): Promise<void> => {
  const of = <Member extends keyof Reservation>(member: Member) => reservations.map((one) => one[member]);
  await sql.query(
    `delete from budget_reservations b using unnest($1::text[], $2::uuid[], $3::text[], $4::integer[], $5::text[], $6::text[]) as r (account, execution_id, node_id, attempt, key, command_id)
     where b.execution_id = r.execution_id and b.node_id = r.node_id and b.attempt = r.attempt and b.key = r.key and b.command_id = r.command_id and b.account = r.account`,
    [of('account'), of('execution_id'), of('node_id'), of('attempt'), of('key'), of('command_id')],
    'budgets_release',
  );
};

/** It will be refused. */
const hasEnded = ({ executionId }: ExecutionCommand, { residents }: Parts): boolean => {
  const live = residents.get(executionId);
  return live !== undefined && isTerminal(live.execution.status);
};

const spenderOf = (step: CommandOf<'TakeStep'>, received: readonly Received[], { residents }: Parts): Spender => {
  const workspace = `workspace:${step.workspaceId}`;
  // It may have been created in the same batch.
  const create = received.find(({ command }) => command.type === 'CreateExecution' && command.executionId === step.executionId)?.command;
  const created = residents.get(step.executionId)?.execution.created ?? (create?.type === 'CreateExecution' ? create.created : undefined);
  const budget = created?.tree_budget_nano_usd;
  if (budget == null) return { step, accounts: [workspace] };
  const account = `tree:${created?.root_execution_id ?? step.executionId}`;
  return { step, accounts: [account, workspace], tree: { account, budget } };
};

interface Found {
  readonly standing: AccountStanding;
  /** What the step holds: set aside now, or the last time it came here, when its owner did not get to deciding it. */
  readonly reserved: readonly Reservation[];
  /** Of that, what was set aside now. */
  readonly fresh: readonly Reservation[];
}

const reserve = async (spenders: readonly Spender[], database: Database): Promise<ReadonlyMap<ExecutionCommand, Found>> => {
  const names = [...new Set(spenders.flatMap(({ accounts }) => accounts))].sort();
  const hasTree = spenders.some(({ tree }) => tree !== undefined);
  if (!hasTree && (await database.query('select from budget_accounts where account = any($1::text[])', [names], 'budgets_any')).length === 0) return new Map();
  return database.transaction(async (sql) => {
    if (hasTree) await openTrees(spenders, sql);
    const accounts = await lockAccounts(names, Math.max(...spenders.map(({ step }) => step.at)), sql);
    const held = await heldBy(spenders, sql);
    const seen = new Set<string>();
    const found = new Map(spenders.map((spender) => [spender.step as ExecutionCommand, isRepeated(spender, seen) ? repeated : stand(spender, accounts, held)]));
    const reservations = [...found.values()].flatMap((one) => one?.fresh ?? []);
    if (reservations.length > 0) await write(reservations, spenders, sql);
    if ([...found.values()].some((one) => one?.standing.outcome === 'busy')) await sweep(names, sql);
    return new Map([...found].flatMap(([command, one]) => (one ? [[command, one] as const] : [])));
  });
};

/** The same step again at the same time: if the first has not begun the calls, then this one does not either, and is sent once more. */
const repeated: Found = { standing: { outcome: 'busy' }, reserved: [], fresh: [] };

const isRepeated = ({ step }: Spender, seen: Set<string>): boolean => {
  const isKnown = seen.has(step.id);
  seen.add(step.id);
  return isKnown;
};

/** Undefined: no budget applies to it. */
const stand = ({ step, accounts: names }: Spender, accounts: ReadonlyMap<string, Account>, held: ReadonlySet<string>): Found | undefined => {
  const own = names.flatMap((name) => {
    const account = accounts.get(name);
    return account ? [{ name, account }] : [];
  });
  if (own.length === 0) return undefined;
  const reserved = own.flatMap(({ name }) =>
    step.begins.flatMap(({ key, reserve_nano_usd }): Reservation[] => {
      const reservation = {
        account: name,
        execution_id: step.executionId,
        node_id: step.node,
        attempt: step.attempt,
        key,
        command_id: step.id,
        workspace_id: step.workspaceId,
      };
      return reserve_nano_usd === null || reserve_nano_usd === '0' ? [] : [{ ...reservation, nano_usd: reserve_nano_usd }];
    }),
  );
  const fresh = reserved.filter((one) => !held.has(nameOf(one)));
  const neededIn = (name: string): bigint => fresh.reduce((sum, { account, nano_usd }) => (account === name ? sum + BigInt(nano_usd) : sum), 0n);
  for (const { name, account } of own) {
    const needed = neededIn(name);
    if (needed > 0n && account.spent + needed > account.budget) {
      const left = account.budget > account.spent ? account.budget - account.spent : 0n;
      return { standing: { outcome: 'exhausted', scope: account.scope, needed_nano_usd: String(needed), left_nano_usd: String(left) }, reserved: [], fresh: [] };
    }
  }
  const isFull = own.some(({ name, account }) => neededIn(name) > 0n && account.spent + account.reserved + neededIn(name) > account.budget);
  if (isFull) return { standing: { outcome: 'busy' }, reserved: [], fresh: [] };
  for (const { name, account } of own) account.reserved += neededIn(name);
  return { standing: { outcome: 'reserved' }, reserved, fresh };
};

const nameOf = ({ account, execution_id, node_id, attempt, key, command_id }: Omit<Reservation, 'nano_usd' | 'workspace_id'>): string =>
  JSON.stringify([account, execution_id, node_id, attempt, key, command_id]);

const openTrees = async (spenders: readonly Spender[], sql: Sql): Promise<void> => {
  const trees = [...new Map(spenders.flatMap(({ step, tree }) => (tree ? [[tree.account, { ...tree, step }] as const] : []))).values()];
  await sql.query(
    `insert into budget_accounts (account, workspace_id, budget_nano_usd, period, updated_at, updated_by)
     select account, workspace_id, budget, 'total', $4, 'system:tree' from unnest($1::text[], $2::uuid[], $3::bigint[]) as r (account, workspace_id, budget)
     order by account on conflict do nothing`,
    [trees.map(({ account }) => account), trees.map(({ step }) => step.workspaceId), trees.map(({ budget }) => budget), Math.max(...trees.map(({ step }) => step.at))],
    'budgets_open_trees',
  );
};

/** In the order of their names, so that no two can wait for each other. Read once they are locked: all that others have reserved is in it. */
const lockAccounts = async (names: readonly string[], at: number, sql: Sql): Promise<ReadonlyMap<string, Account>> => {
  const rows = await sql.query<{ account: string; budget: string; period: string }>(
    'select account, budget_nano_usd::text as budget, period from budget_accounts where account = any($1::text[]) order by account for update',
    [names],
    'budgets_lock',
  );
  const sums = await sql.query<{ account: string; spent: string; reserved: string }>(
    `select a.account, coalesce((select sum(s.spent_nano_usd) from budget_spending s where s.account = a.account and s.day >= a.since), 0)::text as spent,
       coalesce((select sum(r.nano_usd) from budget_reservations r where r.account = a.account), 0)::text as reserved
     from unnest($1::text[], $2::date[]) as a (account, since)`,
    [rows.map(({ account }) => account), rows.map(({ period }) => beginOfPeriod(period, at))],
    'budgets_sums',
  );
  const budgets = new Map(rows.map(({ account, budget }) => [account, BigInt(budget)]));
  return new Map(
    sums.map(({ account, spent, reserved }) => [
      account,
      { scope: account.startsWith('tree:') ? 'tree' : 'workspace', budget: budgets.get(account) ?? 0n, spent: BigInt(spent), reserved: BigInt(reserved) },
    ]),
  );
};

/** What is reserved for calls of these executions already: a step that is sent again reserves nothing again. */
const heldBy = async (spenders: readonly Spender[], sql: Sql): Promise<ReadonlySet<string>> => {
  const rows = await sql.query<Omit<Reservation, 'nano_usd' | 'workspace_id'>>(
    'select account, execution_id, node_id, attempt, key, command_id from budget_reservations where execution_id = any($1::uuid[])',
    [[...new Set(spenders.map(({ step }) => step.executionId))]],
    'budgets_held',
  );
  return new Set(rows.map(nameOf));
};

const write = async (reservations: readonly Reservation[], spenders: readonly Spender[], sql: Sql): Promise<void> => {
  const of = <Member extends keyof Reservation>(member: Member) => reservations.map((one) => one[member]);
  await sql.query(
    `insert into budget_reservations (account, execution_id, node_id, attempt, key, command_id, workspace_id, nano_usd, reserved_at)
     select r.*, $9 from unnest($1::text[], $2::uuid[], $3::text[], $4::integer[], $5::text[], $6::text[], $7::uuid[], $8::bigint[]) as r on conflict do nothing`,
    [
      of('account'),
      of('execution_id'),
      of('node_id'),
      of('attempt'),
      of('key'),
      of('command_id'),
      of('workspace_id'),
      of('nano_usd'),
      Math.max(...spenders.map(({ step }) => step.at)),
    ],
    'budgets_reserve',
  );
};

/** A reservation that outlived its execution, as after the read models were rebuilt, holds nobody up. */
const sweep = async (names: readonly string[], sql: Sql): Promise<void> => {
  await sql.query(
    `delete from budget_reservations where ctid in (
       select r.ctid from budget_reservations r join executions e on e.id = r.execution_id
       where r.account = any($1::text[]) and e.status in ('completed', 'failed', 'cancelled', 'rejected') for update of r skip locked)`,
    [names],
    'budgets_sweep',
  );
};

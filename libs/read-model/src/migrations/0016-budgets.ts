import type { MigrationInterface, QueryRunner } from 'typeorm';
import { showTenantsTheirRows } from './tenants-rows.js';

const tables = ['budget_accounts', 'budget_spending', 'budget_reservations'];

/**
 * Budgets that go beyond one execution. An account is `workspace:<id>` or `tree:<id of its root>`. What is spent is folded from the log
 * by `projection`, which takes the reservation of a call away in the same transaction; the owner of the call's partition has made it
 * before it decided that the call may begin, under the lock of the account's row.
 */
export class Budgets1700000000016 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table budget_accounts (
        account text primary key,
        workspace_id uuid not null,
        budget_nano_usd bigint not null,
        period text not null,
        updated_at bigint not null,
        updated_by text not null
      );
      create table budget_spending (
        account text not null,
        day date not null,
        partition integer not null,
        workspace_id uuid not null,
        spent_nano_usd bigint not null,
        primary key (account, day, partition)
      ) with (fillfactor = 50);
      comment on column budget_spending.spent_nano_usd is 'costs, and of calls whose cost nobody knows what was reserved for them';
      create table budget_reservations (
        account text not null,
        execution_id uuid not null,
        node_id text not null,
        attempt integer not null,
        key text not null,
        command_id text not null,
        workspace_id uuid not null,
        nano_usd bigint not null,
        reserved_at bigint not null,
        primary key (execution_id, node_id, attempt, key, command_id, account)
      );
      create index budget_reservations_account on budget_reservations (account);`);
    for (const table of tables) await showTenantsTheirRows(runner, table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table ${tables.join(', ')}`);
  }
}

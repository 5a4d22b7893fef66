import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ofTenantsWorkspace, showTenantsTheirRows, tenantsWorkspace } from './tenants-rows.js';

/** Whose row it is. Rows without a workspace of their own follow their execution. */
const own = ofTenantsWorkspace;
const named = `workspace_id = ${tenantsWorkspace}`;
const executions = 'execution_id in (select e.id from executions e where e.id = execution_id)';
const policies: { readonly [table: string]: string } = {
  executions: own,
  execution_events: own,
  execution_logs: own,
  usage_daily: own,
  gates: own,
  execution_nodes: executions,
  execution_log_tips: executions,
  execution_late_reports: executions,
  pods: own,
  workflows: own,
  workflow_versions: own,
  secrets: own,
  queues: named,
  queue_changes: named,
  scheduler_queues: named,
  scheduler_leases: named,
};

/**
 * Tenants read as role `runlog_tenant`, which owns nothing and sees the rows of the workspace in the setting `runlog.workspace`: none
 * without it. The services' own user, which projects and schedules for all, has a policy of its own.
 */
export class RowLevelSecurity1700000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      do $$ begin
        if not exists (select from pg_roles where rolname = 'runlog_tenant') then create role runlog_tenant nologin; end if;
      exception
        when duplicate_object or unique_violation then null;
        when insufficient_privilege then raise exception 'Expected the role runlog_tenant, but there is none and this user may not create it. As an administrator: create role runlog_tenant nologin; grant runlog_tenant to %', current_user;
      end $$;
      do $$ begin
        if not pg_has_role(current_user, 'runlog_tenant', 'SET') then execute format('grant runlog_tenant to %I', current_user); end if;
        execute format('grant usage on schema %I to runlog_tenant', current_schema());
      end $$;`);
    for (const [table, visible] of Object.entries(policies)) await showTenantsTheirRows(runner, table, visible);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of Object.keys(policies))
      await runner.query(`
        revoke all on ${table} from runlog_tenant;
        drop policy tenant on ${table};
        drop policy services on ${table};
        alter table ${table} no force row level security;
        alter table ${table} disable row level security;`);
  }
}

import type { QueryRunner } from 'typeorm';

/** The workspace that a tenant reads for, as text; null, which no row is of, unless its connection says one. */
export const tenantsWorkspace = "nullif(current_setting('runlog.workspace', true), '')";

/** Which rows of a table with a `workspace_id` of type uuid a tenant sees. */
export const ofTenantsWorkspace = `workspace_id = ${tenantsWorkspace}::uuid`;

/**
 * Shows role `runlog_tenant` those rows of a table that are `visible` to it, to be read only; the services' own user sees and writes all.
 * Migrations that are released run it, so what it does never changes.
 */
export const showTenantsTheirRows = async (runner: QueryRunner, table: string, visible = ofTenantsWorkspace): Promise<void> => {
  await runner.query(`
        alter table ${table} enable row level security;
        alter table ${table} force row level security;
        create policy tenant on ${table} for select to runlog_tenant using (${visible});
        create policy services on ${table} to current_user using (true) with check (true);
        grant select on ${table} to runlog_tenant;`);
};

import type { MigrationInterface, QueryRunner } from 'typeorm';
import { showTenantsTheirRows } from './tenants-rows.js';

/**
 * Agents and their versions, which never change. Each has a workflow of one node, which takes its key, so that the keys of executions
 * are unique. A workflow's version says by node which versions of agents it pins.
 */
export class Agents1700000000013 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table workflows add column agent_id uuid;
      alter table workflow_versions add column agents json;
      create table agents (
        id uuid primary key,
        workspace_id uuid not null references workspaces,
        workflow_id uuid not null unique references workflows,
        key text not null,
        name text not null,
        current_version integer not null,
        created_at bigint not null,
        updated_at bigint not null,
        unique (workspace_id, key)
      );
      create index on agents (workspace_id, created_at desc, id desc);
      create table agent_versions (
        id uuid primary key,
        agent_id uuid not null references agents,
        workspace_id uuid not null,
        workflow_version_id uuid not null unique references workflow_versions,
        number integer not null,
        definition json not null,
        digest text not null,
        created_by text,
        created_at bigint not null,
        unique (agent_id, number)
      );
      create trigger agent_versions_are_immutable before update on agent_versions for each row execute function refuse_change();`);
    for (const table of ['agents', 'agent_versions']) await showTenantsTheirRows(runner, table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table agent_versions, agents; alter table workflow_versions drop column agents; alter table workflows drop column agent_id');
  }
}

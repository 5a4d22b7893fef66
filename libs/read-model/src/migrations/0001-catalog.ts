import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tenancy, definitions, secrets, idempotency. Times are milliseconds UTC; ids UUIDv7. Published versions are immutable. */
export class Catalog1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table workspaces (
        id uuid primary key,
        slug text not null unique,
        name text not null,
        timezone text not null default 'UTC',
        next_hashid bigint not null default 1,
        created_at bigint not null
      );
      create table pods (
        id uuid primary key,
        workspace_id uuid not null references workspaces,
        slug text not null,
        name text not null,
        created_at bigint not null,
        unique (workspace_id, slug)
      );
      create table api_keys (
        id uuid primary key,
        workspace_id uuid not null references workspaces,
        pod_id uuid references pods,
        name text not null,
        role text not null check (role in ('viewer', 'editor', 'admin')),
        dialect text,
        prefix text not null,
        hash text not null unique,
        user_id text,
        created_at bigint not null,
        revoked_at bigint
      );
      create index on api_keys (workspace_id, created_at);
      create table workflows (
        id uuid primary key,
        workspace_id uuid not null references workspaces,
        key text not null,
        name text not null,
        current_version integer not null,
        next_run bigint not null default 1,
        created_at bigint not null,
        updated_at bigint not null,
        unique (workspace_id, key)
      );
      create index on workflows (workspace_id, created_at desc, id desc);
      create table workflow_versions (
        id uuid primary key,
        workflow_id uuid not null references workflows,
        workspace_id uuid not null,
        number integer not null,
        definition json not null,
        digest text not null,
        created_by text,
        created_at bigint not null,
        unique (workflow_id, number)
      );
      create function refuse_change() returns trigger language plpgsql as
        $$ begin raise exception 'Expected % to stay as published, but a % was tried', tg_table_name, tg_op; end $$;
      create trigger workflow_versions_are_immutable before update on workflow_versions for each row execute function refuse_change();
      create table secrets (
        workspace_id uuid not null references workspaces,
        name text not null,
        ciphertext text not null,
        key_id text not null,
        created_at bigint not null,
        updated_at bigint not null,
        primary key (workspace_id, name)
      );
      create table idempotency_keys (
        workspace_id uuid not null references workspaces,
        route text not null,
        key text not null,
        fingerprint text not null,
        execution_id uuid,
        command_id text,
        status integer,
        response json,
        created_at bigint not null,
        primary key (workspace_id, route, key)
      );
      create index on idempotency_keys (created_at);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table idempotency_keys, secrets, workflow_versions, workflows, api_keys, pods, workspaces; drop function refuse_change()');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';
import { showTenantsTheirRows } from './tenants-rows.js';

/** People, whom keys belong to; what a key may do beside its role; who did what. */
export class People1700000000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table users (
        id uuid primary key,
        workspace_id uuid not null references workspaces,
        email text not null,
        name text not null,
        created_at bigint not null,
        removed_at bigint
      );
      create unique index users_email on users (workspace_id, lower(email)) where removed_at is null;
      alter table api_keys add column permissions text[] not null default '{}';
      create table audit_log (
        id uuid primary key,
        workspace_id uuid not null references workspaces,
        at bigint not null,
        actor text not null,
        key_prefix text not null,
        action text not null,
        target text not null,
        status integer not null,
        request_id text not null
      );
      create index audit_log_newest on audit_log (workspace_id, at desc, id desc);
      create index audit_log_actor on audit_log (workspace_id, actor, at desc, id desc);
      create index audit_log_action on audit_log (workspace_id, action, at desc, id desc);
      create function refuse_change_of_audit() returns trigger language plpgsql as
        $$ begin raise exception 'Expected the audit log to stay as it is, but a % was tried', tg_op; end $$;
      create trigger audit_log_is_append_only before update or delete on audit_log for each row execute function refuse_change_of_audit();`);
    for (const table of ['users', 'audit_log']) await showTenantsTheirRows(runner, table);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table audit_log, users; drop function refuse_change_of_audit(); alter table api_keys drop column permissions');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What is folded from the log. Bodies are `json`, not `jsonb`: kept as written, NUL escapes included. Sort keys that a row may lack are
 * indexed as -1, so that one keyset order holds for all rows. Only `projection` writes here.
 */
export class Executions1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table executions (
        id uuid primary key,
        workspace_id uuid not null,
        pod_id text not null,
        workflow_id uuid not null,
        version integer not null,
        hashid text not null,
        key text not null,
        name text not null,
        status text not null,
        agent_id text,
        session_id text,
        user_id text,
        queue_name text,
        batch_id text,
        parent_execution_id text,
        retry_of text,
        replay_of text,
        tags text[] not null,
        metadata_terms text[] not null,
        created_at bigint not null,
        started_at bigint,
        completed_at bigint,
        duration_ms bigint,
        cost_nano_usd bigint not null,
        settled json not null,
        live json not null,
        output json
      ) with (fillfactor = 80);
      create index executions_newest on executions (workspace_id, created_at desc, id desc);
      create index executions_status on executions (workspace_id, status, created_at desc, id desc);
      create index executions_workflow on executions (workspace_id, workflow_id, created_at desc, id desc);
      create index executions_workflow_status on executions (workspace_id, workflow_id, status, created_at desc, id desc);
      create index executions_pod on executions (workspace_id, pod_id, created_at desc, id desc);
      create index executions_started on executions (workspace_id, coalesce(started_at, -1) desc, id desc);
      create index executions_completed on executions (workspace_id, coalesce(completed_at, -1) desc, id desc);
      create index executions_duration on executions (workspace_id, coalesce(duration_ms, -1) desc, id desc);
      create index executions_cost on executions (workspace_id, cost_nano_usd desc, id desc);
      create index executions_hashid on executions (workspace_id, hashid);
      create index executions_key on executions (workspace_id, key);
      create index executions_agent on executions (workspace_id, agent_id, created_at desc, id desc) where agent_id is not null;
      create index executions_session on executions (workspace_id, session_id, created_at desc, id desc) where session_id is not null;
      create index executions_user on executions (workspace_id, user_id, created_at desc, id desc) where user_id is not null;
      create index executions_queue on executions (workspace_id, queue_name, created_at desc, id desc) where queue_name is not null;
      create index executions_batch on executions (workspace_id, batch_id, created_at desc, id desc) where batch_id is not null;
      create index executions_parent on executions (workspace_id, parent_execution_id, created_at desc, id desc) where parent_execution_id is not null;
      create index executions_retry_of on executions (workspace_id, retry_of) where retry_of is not null;
      create index executions_replay_of on executions (workspace_id, replay_of) where replay_of is not null;
      create index executions_tags on executions using gin (tags) where tags <> '{}';
      create index executions_metadata on executions using gin (metadata_terms) where metadata_terms <> '{}';

      create table execution_nodes (
        execution_id uuid not null,
        node_id text not null,
        status text not null,
        state json not null,
        output json,
        primary key (execution_id, node_id)
      ) with (fillfactor = 80);

      create table execution_events (
        execution_id uuid not null,
        version integer not null,
        id text not null,
        type text not null,
        schema_version integer not null,
        at bigint not null,
        previous text not null,
        command_id text not null,
        command_offset bigint not null,
        workspace_id uuid not null,
        value text not null,
        primary key (execution_id, version)
      );

      create table execution_logs (
        execution_id uuid not null,
        seq bigint generated always as identity,
        workspace_id uuid not null,
        at bigint not null,
        level text not null,
        message text not null,
        node_id text,
        attempt integer,
        fields json not null,
        dedupe text not null,
        primary key (execution_id, seq),
        unique (execution_id, dedupe)
      );
      create table execution_log_tips (
        execution_id uuid primary key,
        count integer not null,
        last_line text
      ) with (fillfactor = 50);
      create table execution_late_reports (
        execution_id uuid not null,
        node_id text not null,
        attempt integer not null,
        at bigint not null,
        runner text not null,
        report text not null,
        because text not null,
        primary key (execution_id, node_id, attempt)
      );

      create table usage_daily (
        day date not null,
        workspace_id uuid not null,
        workflow_id uuid not null,
        agent_id text not null default '',
        model text not null default '',
        partition integer not null,
        created bigint not null default 0,
        completed bigint not null default 0,
        failed bigint not null default 0,
        cancelled bigint not null default 0,
        rejected bigint not null default 0,
        steps bigint not null default 0,
        active_ms bigint not null default 0,
        input_tokens bigint not null default 0,
        output_tokens bigint not null default 0,
        cost_nano_usd bigint not null default 0,
        primary key (workspace_id, day, workflow_id, agent_id, model, partition)
      ) with (fillfactor = 50);
      comment on column usage_daily.partition is 'of execution-events: its reader alone writes the row; sum over it';

      create table projection_progress (
        projection text not null,
        topic_id text not null,
        partition integer not null,
        "offset" bigint not null,
        claim bigint not null,
        previous text not null,
        updated_at bigint not null,
        primary key (projection, partition)
      ) with (fillfactor = 50);
      create table projection_quarantine (
        projection text not null,
        execution_id text not null,
        partition integer not null,
        "offset" bigint not null,
        claim bigint not null,
        cause text not null,
        at bigint not null,
        primary key (projection, execution_id)
      );
      comment on column projection_quarantine."offset" is 'where folding it again begins, with the claim in force there';
    `);
    await runner.query(`
      do $$ begin
        create extension if not exists pg_trgm;
        create index executions_text on executions using gin ((name || ' ' || key) gin_trgm_ops);
      exception when others then
        raise notice 'Text search in executions stays without an index: %', sqlerrm;
      end $$
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'drop table executions, execution_nodes, execution_events, execution_logs, execution_log_tips, execution_late_reports, usage_daily, projection_progress, projection_quarantine',
    );
  }
}

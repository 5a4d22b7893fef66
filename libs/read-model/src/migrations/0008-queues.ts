import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Queues: what people set (`queues`), and what the scheduler derives from the log. `scheduler_waiting` and `scheduler_leases` change only
 * under the lock of the queue's row in `scheduler_queues`; what the log says of them, in the transaction that commits its offset. A
 * `place` is where an execution stands: class * 10^15 + time - head start; classes: again after a suspension, newcomer, about to end.
 */
export class Queues1700000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table queues (
        workspace_id text not null,
        name text not null,
        slots integer check (slots > 0),
        key_slots integer not null check (key_slots > 0),
        strategy text not null check (strategy in ('queue', 'cancel_running', 'cancel_newest', 'round_robin')),
        ttl_seconds integer check (ttl_seconds > 0),
        paused boolean not null,
        created_at bigint not null,
        updated_at bigint not null,
        updated_by text not null,
        primary key (workspace_id, name)
      );
      create table queue_changes (
        workspace_id text not null,
        name text not null,
        number bigint generated always as identity,
        at bigint not null,
        by text not null,
        settings json not null,
        primary key (workspace_id, name, number)
      );

      create table scheduler_queues (
        workspace_id text not null,
        name text not null,
        held integer not null default 0,
        waiting integer not null default 0,
        turn bigint not null default 0,
        key_slots integer not null,
        ttl_seconds integer,
        primary key (workspace_id, name)
      ) with (fillfactor = 50);
      comment on column scheduler_queues.key_slots is 'and ttl_seconds: the settings that the rows of keys and of those who wait go by';
      create table scheduler_queue_keys (
        workspace_id text not null,
        queue text not null,
        key text not null,
        held integer not null,
        waiting integer not null,
        head bigint not null,
        turn bigint not null,
        open boolean not null,
        primary key (workspace_id, queue, key)
      ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
      comment on column scheduler_queue_keys.head is 'nobody of the key stands before this place';
      create index scheduler_queue_keys_first on scheduler_queue_keys (workspace_id, queue, head, key) where open;
      create index scheduler_queue_keys_turn on scheduler_queue_keys (workspace_id, queue, (head / 1000000000000000), turn, head, key) where open;
      create index scheduler_queue_keys_full on scheduler_queue_keys (workspace_id, queue) where not open and head < 2000000000000000;
      create index scheduler_queue_keys_idle on scheduler_queue_keys (workspace_id, queue) where held = 0 and waiting = 0;

      create table scheduler_waiting (
        execution_id text primary key,
        partition integer not null,
        workspace_id text not null,
        queue text not null,
        key text not null,
        ticket integer not null,
        place bigint not null,
        queued_at bigint not null,
        ttl_seconds double precision,
        expires_at bigint,
        doom text,
        doomed_at bigint
      ) with (autovacuum_vacuum_scale_factor = 0.02);
      create index scheduler_waiting_place on scheduler_waiting (workspace_id, queue, key, place, execution_id);
      create index scheduler_waiting_expiry on scheduler_waiting (expires_at) where expires_at is not null and doom is null;
      create index scheduler_waiting_doomed on scheduler_waiting (partition, doomed_at) where doom is not null;
      create table scheduler_leases (
        execution_id text primary key,
        partition integer not null,
        workspace_id text not null,
        queue text not null,
        key text not null,
        ticket integer not null,
        queued_at bigint not null,
        granted_at bigint not null,
        confirmed boolean not null,
        doom text,
        doomed_at bigint
      ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
      create index scheduler_leases_holders on scheduler_leases (workspace_id, queue, key, granted_at);
      create index scheduler_leases_unanswered on scheduler_leases (partition, granted_at) where not confirmed;
      create index scheduler_leases_doomed on scheduler_leases (partition, doomed_at) where doom is not null;

      alter table scheduler_executions add column standing jsonb;
      alter table executions add column concurrency_key text, add column priority bigint not null default 0;
      update executions set concurrency_key = settled->>'concurrency_key', priority = round((settled->>'priority')::numeric)::bigint where queue_name is not null or settled->>'concurrency_key' is not null;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table executions drop column concurrency_key, drop column priority;
      alter table scheduler_executions drop column standing;
      drop table scheduler_leases, scheduler_waiting, scheduler_queue_keys, scheduler_queues, queue_changes, queues;
    `);
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the scheduler knows beyond its memory, derived from the log and as old as `scheduler_progress` says. Rows are there only for
 * executions that outlived a flush. Times are milliseconds UTC.
 */
export class Scheduler1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table scheduler_progress (
        partition int primary key,
        epoch bigint not null,
        topic_id text not null,
        next_offset bigint not null,
        claim bigint not null,
        previous text not null
      );
      create table scheduler_executions (
        partition int not null,
        execution_id text not null,
        workspace_id text not null,
        workflow_version_id text,
        cancelling boolean not null,
        run_includes_suspended boolean,
        run_left_ms bigint,
        run_since bigint,
        primary key (partition, execution_id)
      );
      create table scheduler_timers (
        partition int not null,
        execution_id text not null,
        kind text not null,
        node text not null,
        due_at bigint not null,
        timer jsonb not null,
        primary key (partition, execution_id, kind, node)
      );
      create index on scheduler_timers (partition, due_at);
      create table scheduler_attempts (
        partition int not null,
        execution_id text not null,
        node text not null,
        attempt int not null,
        kind text not null,
        runner text,
        since bigint not null,
        primary key (partition, execution_id, node)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table scheduler_attempts, scheduler_timers, scheduler_executions, scheduler_progress');
  }
}

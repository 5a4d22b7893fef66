import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the owner of a partition writes behind: its progress, the state of executions, their outputs. All of it can be rebuilt from
 * `execution-events`. `written_under` is the claim of the last writer; an owner with a lower one is a zombie and writes nothing.
 */
export class Engine1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table engine_partitions (
        partition integer primary key,
        written_under bigint not null,
        snapshot_version integer not null,
        events_topic text not null,
        next_event bigint not null,
        claim bigint not null,
        previous text not null,
        commands_topic text not null,
        next_command bigint not null,
        continuing boolean not null,
        newest text not null
      );
      create table engine_state (
        execution_id uuid primary key,
        partition integer not null,
        version integer not null,
        tip text not null,
        status text not null,
        terminal boolean not null,
        snapshot text not null
      );
      create table engine_outputs (
        execution_id uuid not null,
        node_id text not null,
        output text not null,
        primary key (execution_id, node_id)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table engine_outputs, engine_state, engine_partitions');
  }
}

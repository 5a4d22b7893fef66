import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Retries that were decided and whose next execution is not known to have begun. A row is there before the scheduler's progress passes
 * the event that it comes from, and goes once the next execution is seen.
 */
export class Successions1700000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table scheduler_successions (
        successor_id text primary key,
        partition int not null,
        source_id text not null,
        workspace_id text not null,
        asked_at bigint not null,
        ended_at bigint,
        superseded jsonb not null
      );
      create index on scheduler_successions (partition);
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table scheduler_successions');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a rebuild leaves behind: which build the rows are of, and what the last comparison with the log found. */
export class Generations1700000000006 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table projection_progress add column generation integer not null default 0;
      comment on column projection_progress.generation is 'grows when the rows are swapped for rebuilt ones: who holds anything of the former ones in memory must drop it';
      create table projection_checks (
        projection text primary key,
        at bigint not null,
        checked bigint not null,
        drift bigint not null,
        examples json not null
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table projection_checks; alter table projection_progress drop column generation');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';
import { showTenantsTheirRows } from './tenants-rows.js';

/**
 * Log lines as they come: a row has those that one frame brought. The number of a line is 1024 times its row's and its place in it, beyond
 * those of `execution_logs`, where earlier versions kept a row for each line.
 */
export class LogLines1700000000018 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table execution_lines (
        execution_id uuid not null,
        n bigint generated always as identity,
        workspace_id uuid not null,
        dedupe text not null,
        lines json not null,
        primary key (execution_id, n),
        unique (execution_id, dedupe)
      );
      alter table execution_lines alter column dedupe set statistics 0, alter column lines set statistics 0;
      select setval(pg_get_serial_sequence('execution_lines', 'n'), nextval(pg_get_serial_sequence('execution_logs', 'seq')));`);
    await showTenantsTheirRows(runner, 'execution_lines');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table execution_lines');
  }
}

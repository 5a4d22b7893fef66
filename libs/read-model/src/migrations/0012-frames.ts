import type { MigrationInterface, QueryRunner } from 'typeorm';
import { showTenantsTheirRows } from './tenants-rows.js';

/**
 * What agents think, do and say, for whoever joins while they are at it. Not folded from events: a rebuild leaves it alone. `n` is the
 * offset in `execution-frames`; a row may hold several frames of text that follow one another, `parts` says where each begins, and `n` is
 * that of the last. `frame` is `json`: text is kept as written, NUL and lone surrogates included.
 */
export class Frames1700000000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table execution_frames (
        execution_id uuid not null,
        n bigint not null,
        workspace_id uuid not null,
        node_id text not null,
        attempt integer not null,
        version integer not null,
        at bigint not null,
        kind text not null,
        "from" integer,
        "to" integer,
        frame json not null,
        parts json,
        primary key (execution_id, n)
      ) with (autovacuum_vacuum_scale_factor = 0.05);
      create index execution_frames_at on execution_frames using brin (at);`);
    await showTenantsTheirRows(runner, 'execution_frames');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table execution_frames');
  }
}

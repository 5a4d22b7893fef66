import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Wide columns that no plan asks about: sampling and sorting them was most of what autovacuum did. */
const idle: { readonly [table: string]: readonly string[] } = {
  execution_events: ['id', 'schema_version', 'at', 'previous', 'command_id', 'command_offset', 'value'],
  execution_logs: ['at', 'message', 'fields', 'dedupe'],
};

const setStatistics = async (runner: QueryRunner, target: string): Promise<void> => {
  for (const [table, columns] of Object.entries(idle))
    await runner.query(`alter table ${table} ${columns.map((column) => `alter column ${column} set statistics ${target}`).join(', ')}`);
};

export class NoIdleStatistics1700000000017 implements MigrationInterface {
  up(runner: QueryRunner): Promise<void> {
    return setStatistics(runner, '0');
  }

  down(runner: QueryRunner): Promise<void> {
    return setStatistics(runner, 'default');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Events of one execution that came together share a row, told by `first`: see `eventRows`. `version` is that of the last. Rows of one event,
 * as earlier versions wrote them, are read on. Two rows that are larger than usual fill a page before one is compressed or stored apart.
 */
export class EventsTogether1700000000019 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table execution_events
        add column first integer,
        ${['id', 'type', 'schema_version', 'at', 'command_id', 'command_offset'].map((column) => `alter column ${column} drop not null`).join(', ')},
        set (toast_tuple_target = 4080);
      alter table execution_events alter column first set statistics 0;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    const [{ together }] = (await runner.query('select exists (select from execution_events where first is not null) as together')) as [{ together: boolean }];
    if (together) throw new Error('Expected a row for each event, but some share one; drop the rows and rebuild them with the earlier version');
    await runner.query(`
      alter table execution_events drop column first, reset (toast_tuple_target),
        ${['id', 'type', 'schema_version', 'at', 'command_id', 'command_offset'].map((column) => `alter column ${column} set not null`).join(', ')}`);
  }
}

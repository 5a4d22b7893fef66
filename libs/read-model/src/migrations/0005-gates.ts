import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The open gates of live executions: the inbox. A row goes when its gate is decided, or can't be any more. Only `projection` writes here. */
export class Gates1700000000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table gates (
        execution_id uuid not null,
        gate_id text not null,
        workspace_id uuid not null,
        pod_id text not null,
        workflow_id uuid not null,
        execution_key text not null,
        node_id text not null,
        kind text not null,
        requested_at bigint not null,
        gate json not null,
        primary key (execution_id, gate_id)
      );
      create index gates_newest on gates (workspace_id, requested_at desc, execution_id desc, gate_id desc);
      create index gates_workflow on gates (workspace_id, workflow_id, requested_at desc, execution_id desc, gate_id desc);
      insert into gates
        select e.id, g->>'id', e.workspace_id, e.pod_id, e.workflow_id, e.key, g->>'node_id', g->>'kind', (g->>'requested_at')::bigint, g
        from executions e, json_array_elements(e.live->'gates') g
        where e.status in ('running', 'suspended', 'awaiting_approval') and g->>'decided' is null and e.live->>'cancel_requested_at' is null;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table gates');
  }
}

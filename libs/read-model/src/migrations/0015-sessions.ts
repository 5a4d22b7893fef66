import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sessions are read from the executions that belong to them: newest first, without looking at those that belong to none. */
export class Sessions1700000000015 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index executions_in_sessions on executions (workspace_id, created_at desc, id desc) include (session_id, agent_id, pod_id)
      where session_id is not null and agent_id is not null and replay_of is null`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index executions_in_sessions');
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which stored bodies the history refers to: what is in here is never collected. Only `projection` writes here. Answers that are kept for
 * an Idempotency-Key may be stored bodies, too, as long as they are kept.
 */
export class BodyReferences1700000000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table body_references (
        workspace_id uuid not null,
        digest text not null,
        execution_id uuid not null,
        primary key (workspace_id, digest, execution_id)
      );
      create index body_references_execution on body_references (execution_id);
      create index idempotency_keys_body on idempotency_keys ((response -> 'body_ref' ->> 'digest')) where response -> 'body_ref' ->> 'digest' is not null;
      insert into body_references
        select distinct workspace_id, ref->>'digest', execution_id
        from execution_events, lateral (select value::json as data) v,
          lateral (values (data->'input_ref'), (data->'output_ref'), (data->'answer_ref'), (data->'receipt_ref')) r (ref)
        where type in ('ExecutionCreated', 'NodeCompleted', 'ExecutionCompleted', 'ResponseReceived', 'GateExpired', 'EffectRecorded') and value like '%_ref":{"digest":%' and ref is not null;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop index idempotency_keys_body');
    await runner.query('drop table body_references');
  }
}

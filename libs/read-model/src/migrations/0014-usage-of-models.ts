import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What models used, in buckets that share no token: `input_tokens` are those beside caches, `output_tokens` those without reasoning. */
export class UsageOfModels1700000000014 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table usage_daily
        add column model_calls bigint not null default 0,
        add column unpriced_calls bigint not null default 0,
        add column agent_actions bigint not null default 0,
        add column cache_read_tokens bigint not null default 0,
        add column cache_write_tokens bigint not null default 0,
        add column reasoning_tokens bigint not null default 0;
      comment on column usage_daily.model is 'that a call used; empty in the row of what is about none';
      comment on column usage_daily.unpriced_calls is 'whose cost nobody knows: cost_nano_usd is the sum of the others';`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `alter table usage_daily drop column model_calls, drop column unpriced_calls, drop column agent_actions, drop column cache_read_tokens, drop column cache_write_tokens, drop column reasoning_tokens`,
    );
  }
}

import { ApiPropertyOptional } from '@nestjs/swagger';
import type { Json } from '@runlog/execution';
import { Allow, ArrayMaxSize, IsArray, IsBoolean, IsInt, IsNumber, IsObject, IsOptional, IsString, Length, Matches, Max, MaxLength, Min } from 'class-validator';
import { LARGE } from '../http/json-body.js';
import { MetadataFits } from './metadata-fits.js';

const PRIORITY_LIMIT = 1_000_000;
const YEAR_S = 365 * 86_400;

/** What a create may say of its execution. Its own values win over the workflow's settings. */
export class CreateExecutionBody {
  static readonly [LARGE] = true;

  @ApiPropertyOptional({ description: "Checked against the version's input_schema. Default: {}", type: () => Object, nullable: true, additionalProperties: true })
  @Allow()
  input?: Json;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true, description: 'Any JSON object up to 16 KiB; it never changes' })
  @IsOptional()
  @IsObject()
  @MetadataFits()
  metadata?: { [key: string]: Json };

  @ApiPropertyOptional({ type: 'array', items: { type: 'string', minLength: 1, maxLength: 128 }, maxItems: 50 })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @IsString({ each: true })
  @Length(1, 128, { each: true })
  tags?: string[];

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 255, nullable: true })
  @IsOptional()
  @IsString()
  @Length(1, 255)
  session_id?: string | null;

  @ApiPropertyOptional({ type: String, pattern: '^[A-Za-z0-9_.:-]{1,128}$', nullable: true, description: "It waits there for a slot. Default: the workflow's" })
  @IsOptional()
  @Matches(/^[A-Za-z0-9_.:-]{1,128}$/)
  queue_name?: string | null;

  @ApiPropertyOptional({
    type: String,
    minLength: 1,
    maxLength: 1024,
    nullable: true,
    description: 'Of those with the same key so many run at a time as the queue says; it may hold `{{ }}` over input and execution',
  })
  @IsOptional()
  @IsString()
  @Length(1, 1024)
  concurrency_key?: string | null;

  @ApiPropertyOptional({ type: 'integer', minimum: -PRIORITY_LIMIT, maximum: PRIORITY_LIMIT, description: 'Seconds of head start', nullable: true })
  @IsOptional()
  @IsInt()
  @Min(-PRIORITY_LIMIT)
  @Max(PRIORITY_LIMIT)
  priority?: number | null;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: YEAR_S, nullable: true })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(YEAR_S)
  run_timeout_seconds?: number | null;

  @ApiPropertyOptional({ type: String, maxLength: 255, nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  step_key?: string | null;

  @ApiPropertyOptional({ type: String, maxLength: 255, nullable: true })
  @IsOptional()
  @IsString()
  @MaxLength(255)
  output_schema_name?: string | null;

  @ApiPropertyOptional({ type: Number, minimum: 0, maximum: 1_000_000, nullable: true })
  @IsOptional()
  @IsNumber({ allowNaN: false, allowInfinity: false })
  @Min(0)
  @Max(1_000_000)
  budget_usd?: number | null;
}

/** The same where the path names neither workflow nor agent: one of them is needed. */
export class CreateExecutionOfBody extends CreateExecutionBody {
  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 64, description: 'Id or key of the workflow' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  workflow_id?: string;

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 64, description: 'Id or key of the agent, instead of a workflow' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  agent_id?: string;
}

/** The same of an agent, which is waited for by default. */
export class ExecuteAgentBody extends CreateExecutionBody {
  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 64, nullable: true, description: 'Number or id of a version of the agent. Default: the latest' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  version_id?: string | null;

  @ApiPropertyOptional({ type: Boolean, nullable: true, description: 'true: answer at once, whatever else asks to wait' })
  @IsOptional()
  @IsBoolean()
  async_mode?: boolean | null;

  @ApiPropertyOptional({ type: Boolean, nullable: true, description: 'false: the same as async_mode true' })
  @IsOptional()
  @IsBoolean()
  sync?: boolean | null;
}

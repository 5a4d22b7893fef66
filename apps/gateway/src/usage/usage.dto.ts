import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsInt, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';
import { Word } from '../http/word.js';

const groups = ['day', 'workflow', 'agent', 'model'] as const;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Which days, of what, and how it is added up. */
export class UsageQuery {
  @ApiPropertyOptional({ type: String, format: 'date', description: 'First UTC day; default: 29 days before the last' })
  @IsOptional()
  @Matches(DAY)
  from?: string;

  @ApiPropertyOptional({ type: String, format: 'date', description: 'Last UTC day; default: today' })
  @IsOptional()
  @Matches(DAY)
  to?: string;

  @Word('Id or key of a workflow')
  workflow_id?: string;

  @Word('Id or key of an agent')
  agent_id?: string;

  @Word('Name of a model, as its provider calls it')
  model?: string;

  @ApiPropertyOptional({ enum: groups, isArray: true, description: 'A row for each of these; may be repeated. Default: one row over all' })
  @IsOptional()
  @IsIn(groups, { each: true })
  group_by?: (typeof groups)[number][];

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 1000, default: 100 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(1000)
  limit?: number;

  @ApiPropertyOptional({ type: String, description: 'Cursor: what follows it', minLength: 1, maxLength: 2048 })
  @IsOptional()
  @IsString()
  @Length(1, 2048)
  after?: string;
}

import { ApiPropertyOptional } from '@nestjs/swagger';
import type { ExecutionStatus } from '@runlog/contract';
import { IsIn, IsInstance, IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import { Word } from '../http/word.js';
import { IsInstant } from './is-instant.js';

export const statuses = [
  'pending',
  'queued',
  'running',
  'suspended',
  'awaiting_approval',
  'completed',
  'failed',
  'cancelled',
  'rejected',
] as const satisfies readonly ExecutionStatus[];

/** No history is as long: the largest integer of the read models. */
export const MOST_VERSIONS = 2_147_483_647;

const sorts = ['created_at', 'started_at', 'completed_at', 'duration_ms', 'cost'] as const;
const sortWords = sorts.flatMap((name) => [name, `-${name}`]);

/** How answers about executions are shaped. */
export class ShapeQuery {
  @ApiPropertyOptional({ type: String, description: 'IANA time zone of created_at and created_at_string', example: 'Europe/Berlin' })
  @IsOptional()
  @IsString()
  timezone?: string;

  @ApiPropertyOptional({ type: String, description: 'Only these members, by comma' })
  @IsOptional()
  @IsString()
  fields?: string;

  @ApiPropertyOptional({ type: String, description: 'In lists: template, execution_data, stats, by comma' })
  @IsOptional()
  @IsString()
  expand?: string;
}

/** The same, and how long a create waits. */
export class CreateQuery extends ShapeQuery {
  @ApiPropertyOptional({ type: String, pattern: '^[0-9]+$', description: 'Seconds to wait for the end, at most 600' })
  @IsOptional()
  @IsString()
  wait?: string;
}

/** One execution, now, then, or not before. */
export class GetQuery extends ShapeQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: MOST_VERSIONS, description: 'As it stood after this event' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_VERSIONS)
  at_version?: number;

  @ApiPropertyOptional({ type: 'integer', minimum: 0, maximum: MOST_VERSIONS, description: 'Waits up to 5 s for this version' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(MOST_VERSIONS)
  min_version?: number;
}

/** Pages of anything: `limit` and opaque cursors. */
export class PageQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100, default: 50 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100)
  limit?: number;

  @Word('Cursor: what follows it')
  after?: string;

  @Word('Cursor: what precedes it')
  before?: string;
}

/** Filters, order and page of a list of executions. */
export class ListQuery extends ShapeQuery {
  @ApiPropertyOptional({ enum: statuses, isArray: true, description: 'May be repeated' })
  @IsOptional()
  @IsIn(statuses, { each: true })
  status?: ExecutionStatus[];

  @Word('Id or key of a workflow')
  workflow_id?: string;
  @Word('Id or key of an agent')
  agent_id?: string;
  @Word('Pod, by id or slug')
  pod_id?: string;
  @Word('Session')
  session_id?: string;
  @Word('User')
  user_id?: string;
  @Word('Queue')
  queue_name?: string;
  @Word('Batch')
  batch_id?: string;
  @Word('Id of the parent execution')
  parent?: string;
  @Word('Id of the execution that was retried')
  retry_of?: string;
  @Word('Id of the execution that was replayed')
  replay_of?: string;
  @Word('Tag')
  tag?: string;
  @Word('Part of name, key or id')
  q?: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string' }, description: 'metadata[key]=value; several must all hold' })
  @IsOptional()
  @IsInstance(Map)
  metadata?: Map<string, string>;

  @ApiPropertyOptional({ type: String, format: 'date-time' })
  @IsOptional()
  @IsInstant()
  created_after?: string;

  @ApiPropertyOptional({ type: String, format: 'date-time' })
  @IsOptional()
  @IsInstant()
  created_before?: string;

  @ApiPropertyOptional({ enum: sortWords, default: '-created_at' })
  @IsOptional()
  @IsIn(sortWords)
  sort?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100, default: 50 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100)
  limit?: number;

  @Word('Cursor: what follows it')
  after?: string;
  @Word('Cursor: what precedes it')
  before?: string;

  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 10_000, description: 'Page by number instead of a cursor; page x limit is at most 10,000' })
  @IsOptional()
  @IsInt()
  @Min(1)
  page?: number;
}

import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { PageQuery } from '../executions/list.dto.js';
import { Word } from '../http/word.js';

const kinds = ['approval', 'question', 'effect', 'budget'] as const;

/** Filters and page of the inbox. */
export class ApprovalsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: kinds })
  @IsOptional()
  @IsIn(kinds)
  kind?: string;

  @Word('Id or key of an execution')
  execution_id?: string;

  @Word('Id or key of a workflow')
  workflow_id?: string;

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 64 })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  node_id?: string;
}

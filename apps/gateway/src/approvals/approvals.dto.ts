import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { PageQuery } from '../executions/list.dto.js';

const kinds = ['approval', 'question', 'effect', 'budget'] as const;

/** Filters and page of the inbox. */
export class ApprovalsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: kinds })
  @IsOptional()
  @IsIn(kinds)
  kind?: string;

  @ApiPropertyOptional({ type: String, description: 'Id or key of an execution', minLength: 1, maxLength: 255 })
  @IsOptional()
  @IsString()
  @Length(1, 255)
  execution_id?: string;

  @ApiPropertyOptional({ type: String, description: 'Id or key of a workflow', minLength: 1, maxLength: 255 })
  @IsOptional()
  @IsString()
  @Length(1, 255)
  workflow_id?: string;

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 64 })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  node_id?: string;
}

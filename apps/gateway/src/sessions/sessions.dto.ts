import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { PageQuery } from '../executions/list.dto.js';

/** Filter and page of the list of sessions. */
export class SessionsQuery extends PageQuery {
  @ApiPropertyOptional({ type: String, description: 'Id or key of an agent', minLength: 1, maxLength: 255 })
  @IsOptional()
  @IsString()
  @Length(1, 255)
  agent_id?: string;
}

/** A page of a session's messages, oldest first. */
export class MessagesQuery {
  @ApiPropertyOptional({ type: 'integer', minimum: 1, maximum: 100, default: 50 })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100)
  limit?: number;

  @ApiPropertyOptional({ type: String, description: 'Cursor: what follows it', minLength: 1, maxLength: 255 })
  @IsOptional()
  @IsString()
  @Length(1, 255)
  after?: string;
}

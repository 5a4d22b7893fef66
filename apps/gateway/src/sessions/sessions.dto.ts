import { ApiPropertyOptional, PickType } from '@nestjs/swagger';
import { IsOptional, IsString, Length } from 'class-validator';
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
export class MessagesQuery extends PickType(PageQuery, ['limit', 'after']) {}

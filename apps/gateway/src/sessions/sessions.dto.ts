import { PickType } from '@nestjs/swagger';
import { PageQuery } from '../executions/list.dto.js';
import { Word } from '../http/word.js';

/** Filter and page of the list of sessions. */
export class SessionsQuery extends PageQuery {
  @Word('Id or key of an agent')
  agent_id?: string;
}

/** A page of a session's messages, oldest first. */
export class MessagesQuery extends PickType(PageQuery, ['limit', 'after']) {}

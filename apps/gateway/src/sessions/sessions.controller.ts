import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { ListResource, MessageResource } from '@runlog/contract';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import type { Answer } from '../http/answer.js';
import { AnswersList, Problems } from '../http/responses.js';
import { MessagesQuery, SessionsQuery } from './sessions.dto.js';
import { Sessions } from './sessions.js';

@ApiTags('sessions')
@Controller('api/v1/sessions')
export class SessionsController {
  constructor(private readonly sessions: Sessions) {}

  @Get()
  @Requires('executions:read')
  @ApiOperation({ operationId: 'listSessions', summary: 'Conversations with agents, the one with the newest execution first' })
  @AnswersList('Session')
  @Problems()
  list(@Caller() who: Principal, @Query() query: SessionsQuery): Promise<Answer> {
    return this.sessions.list(who, query);
  }

  @Get(':session_id/messages')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'listMessages', summary: 'What was said in a session, oldest first' })
  @AnswersList('Message')
  @Problems(404)
  messages(@Caller() who: Principal, @Param('session_id') sessionId: string, @Query() query: MessagesQuery): Promise<ListResource<MessageResource>> {
    return this.sessions.messages(who, sessionId, query);
  }
}

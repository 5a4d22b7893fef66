import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import type { Answer } from '../http/answer.js';
import { AnswersList, Problems } from '../http/responses.js';
import { ApprovalsQuery } from './approvals.dto.js';
import { Inbox } from './inbox.js';

@ApiTags('approvals')
@Controller('api/v1/approvals')
export class ApprovalsController {
  constructor(private readonly inbox: Inbox) {}

  @Get()
  @Requires('executions:read')
  @ApiOperation({ operationId: 'listApprovals', summary: 'The inbox: every open gate of all executions, newest first' })
  @AnswersList('Approval')
  @Problems()
  list(@Caller() who: Principal, @Query() query: ApprovalsQuery): Promise<Answer> {
    return this.inbox.list(who, query);
  }
}

import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import type { Answer } from '../http/answer.js';
import { AnswersList, Problems } from '../http/responses.js';
import { UsageQuery } from './usage.dto.js';
import { Used } from './used.js';

@ApiTags('usage')
@Controller('api/v1/usage')
export class UsageController {
  constructor(private readonly used: Used) {}

  @Get()
  @Requires('usage:read')
  @ApiOperation({ operationId: 'listUsage', summary: 'What the workspace used: executions, steps, tokens, cost; per day, workflow, agent, model, or in all' })
  @AnswersList('Usage')
  @Problems()
  list(@Caller() who: Principal, @Query() query: UsageQuery): Promise<Answer> {
    return this.used.list(who, query);
  }
}

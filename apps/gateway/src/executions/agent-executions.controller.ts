import { Body, Controller, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import type { Answer } from '../http/answer.js';
import type { ApiRequest } from '../http/request.js';
import { Answers, Prefer, Problems, TakesIdempotencyKey, TimeZone } from '../http/responses.js';
import { ExecuteAgentBody } from './create.dto.js';
import { Creates } from './creates.js';
import { CreateQuery } from './list.dto.js';
import { Links, presentationOf } from './presentation.js';
import { waitingOf } from './waiting.js';

/** Agents are waited for unless their caller says otherwise. */
const USUAL_WAIT_S = 600;

@ApiTags('executions')
@Controller('api/v1/agents')
export class AgentExecutionsController {
  constructor(
    private readonly creates: Creates,
    private readonly links: Links,
  ) {}

  @Post(':agent_id/execute')
  @Requires('executions:create')
  @ApiOperation({ operationId: 'executeAgent', summary: 'Create an execution of an agent, and wait for its end unless async_mode says otherwise' })
  @TakesIdempotencyKey()
  @TimeZone()
  @Prefer()
  @Answers(200, 'Execution', 'It has ended')
  @Answers(201, 'Execution', 'Created, not waited for')
  @Answers(202, 'Execution', 'It goes on: the time to wait is over, or people must answer')
  @Problems(404, 409, 413, 415, 422)
  execute(@Req() request: ApiRequest, @Caller() who: Principal, @Param('agent_id') agent: string, @Query() query: CreateQuery, @Body() body: ExecuteAgentBody): Promise<Answer> {
    const { async_mode, sync, version_id: version, ...create } = body;
    const waiting = async_mode === true || sync === false ? { seconds: 0, headers: {} } : waitingOf(request, query.wait, USUAL_WAIT_S);
    const target = { agent, ...(version == null ? {} : { version }), from: 'path' } as const;
    return this.creates.create({ request, who, target, body: create, given: body, waiting, how: presentationOf(request, query, this.links.publicUrl, true) });
  }
}

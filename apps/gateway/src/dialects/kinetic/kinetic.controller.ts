import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, type Principal } from '../../auth/principal.js';
import { Requires } from '../../auth/requires.js';
import { CreateExecutionBody } from '../../executions/create.dto.js';
import { Creates } from '../../executions/creates.js';
import { Gets } from '../../executions/gets.js';
import { CreateQuery, GetQuery } from '../../executions/list.dto.js';
import { Links, presentationOf } from '../../executions/presentation.js';
import { Retries } from '../../executions/retries.js';
import { CancelBody } from '../../executions/verbs.dto.js';
import { waitingOf } from '../../executions/waiting.js';
import type { Answer } from '../../http/answer.js';
import type { ApiRequest } from '../../http/request.js';
import { Answers, Problems, TakesIdempotencyKey } from '../../http/responses.js';

const payload = { schema: { type: 'object' as const, properties: { inputPayload: {}, input_payload: { description: 'The same as inputPayload' } } }, required: false };

/** The routes of kinetic's page. */
@ApiTags('kinetic')
@Controller('api')
export class KineticController {
  constructor(
    private readonly creates: Creates,
    private readonly gets: Gets,
    private readonly retries: Retries,
    private readonly links: Links,
  ) {}

  @Post('workflows/:workflow_id/execute')
  @Requires('executions:create')
  @ApiOperation({ operationId: 'kineticExecute', summary: 'Create an execution of a workflow' })
  @ApiBody(payload)
  @TakesIdempotencyKey()
  @Answers(200, 'KineticExecution', 'Waited for: it has ended')
  @Answers(201, 'KineticExecution', 'Created')
  @Answers(202, 'KineticExecution', 'Waited for: it goes on')
  @Problems(404, 409, 413, 415, 422)
  execute(
    @Req() request: ApiRequest,
    @Caller() who: Principal,
    @Param('workflow_id') workflow: string,
    @Query() query: CreateQuery,
    @Body() body: CreateExecutionBody,
  ): Promise<Answer> {
    const how = presentationOf(request, query, this.links.publicUrl, true);
    return this.creates.create({ request, who, target: { workflow, from: 'path' }, body, waiting: waitingOf(request, query.wait), how });
  }

  @Get('executions/:execution_id')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'kineticGetExecution', summary: 'One execution with the end of its logs' })
  @Answers(200, 'KineticExecution')
  @Problems(404)
  get(@Req() request: ApiRequest, @Caller() who: Principal, @Param('execution_id') ref: string, @Query() query: GetQuery): Promise<Answer> {
    return this.gets.get(request, who, ref, query);
  }

  @Post('executions/:execution_id/retry')
  @Requires('executions:retry')
  @ApiOperation({ operationId: 'kineticRetry', summary: 'Clone an execution, stop it if it is alive, and run the clone' })
  @TakesIdempotencyKey()
  @Answers(200, 'KineticExecution', 'An earlier retry that is alive')
  @Answers(201, 'KineticExecution', 'The next execution')
  @Answers(202, 'KineticExecution', 'Waited for: it goes on')
  @Problems(404, 409, 412, 413, 415, 422)
  retry(@Req() request: ApiRequest, @Caller() who: Principal, @Param('execution_id') ref: string, @Query() query: CreateQuery, @Body() body: CancelBody): Promise<Answer> {
    const how = presentationOf(request, query, this.links.publicUrl, true);
    return this.retries.retry({ request, who, ref, body, waiting: waitingOf(request, query.wait), how });
  }
}

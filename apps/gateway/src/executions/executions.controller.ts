import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import type { Answer } from '../http/answer.js';
import type { ApiRequest } from '../http/request.js';
import { Answers, AnswersList, AnswersOneOf, Prefer, Problems, TakesIdempotencyKey, TimeZone } from '../http/responses.js';
import { CreateExecutionBody, CreateExecutionOfBody } from './create.dto.js';
import { Creates } from './creates.js';
import { Gets } from './gets.js';
import { CreateQuery, GetQuery, ListQuery, ShapeQuery } from './list.dto.js';
import { Lists } from './lists.js';
import { Links, presentationOf } from './presentation.js';
import { Replays } from './replays.js';
import { Retries } from './retries.js';
import { type Target, targetIn } from './target.js';
import { CancelBody, ReplayBody, RespondBody } from './verbs.dto.js';
import { Verbs } from './verbs.js';
import { waitingOf } from './waiting.js';

@ApiTags('executions')
@Controller('api/v1')
export class ExecutionsController {
  constructor(
    private readonly creates: Creates,
    private readonly lists: Lists,
    private readonly gets: Gets,
    private readonly verbs: Verbs,
    private readonly retries: Retries,
    private readonly replays: Replays,
    private readonly links: Links,
  ) {}

  @Post('workflows/:workflow_id/executions')
  @Requires('executions:create')
  @ApiOperation({ operationId: 'createExecutionOfWorkflow', summary: 'Create an execution of a workflow' })
  @TakesIdempotencyKey()
  @TimeZone()
  @Prefer()
  @Answers(200, 'Execution', 'Waited for: it has ended')
  @Answers(201, 'Execution', 'Created')
  @Answers(202, 'Execution', 'Waited for: it goes on')
  @Problems(404, 409, 413, 415, 422)
  createOfWorkflow(
    @Req() request: ApiRequest,
    @Caller() who: Principal,
    @Param('workflow_id') workflow: string,
    @Query() query: CreateQuery,
    @Body() body: CreateExecutionBody,
  ): Promise<Answer> {
    return this.create(request, who, { workflow, from: 'path' }, query, body);
  }

  @Post('executions')
  @Requires('executions:create')
  @ApiOperation({ operationId: 'createExecution', summary: 'Create an execution of the workflow or agent that the body names' })
  @TakesIdempotencyKey()
  @TimeZone()
  @Prefer()
  @Answers(200, 'Execution', 'Waited for: it has ended')
  @Answers(201, 'Execution', 'Created')
  @Answers(202, 'Execution', 'Waited for: it goes on')
  @Problems(409, 413, 415, 422)
  createOfBody(@Req() request: ApiRequest, @Caller() who: Principal, @Query() query: CreateQuery, @Body() body: CreateExecutionOfBody): Promise<Answer> {
    const { workflow_id: _workflow, agent_id: _agent, ...create } = body;
    return this.create(request, who, targetIn(body), query, create, body);
  }

  @Get('executions')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'listExecutions', summary: 'List executions, newest first' })
  @TimeZone()
  @AnswersList('Execution')
  @Problems(404)
  list(@Req() request: ApiRequest, @Caller() who: Principal, @Query() query: ListQuery): Promise<Answer> {
    const how = presentationOf(request, query, this.links.publicUrl, false);
    return this.lists.list(who, query, how, `${how.address}${request.originalUrl}`);
  }

  @Get('executions/:execution_id')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'getExecution', summary: 'One execution, as it stands or as it stood' })
  @ApiHeader({ name: 'If-None-Match', required: false, schema: { type: 'string' } })
  @TimeZone()
  @Answers(200, 'Execution')
  @ApiResponse({ status: 304, description: 'As If-None-Match has it' })
  @Problems(404)
  get(@Req() request: ApiRequest, @Caller() who: Principal, @Param('execution_id') ref: string, @Query() query: GetQuery): Promise<Answer> {
    return this.gets.get(request, who, ref, query);
  }

  @Post('executions/:execution_id/cancel')
  @Requires('executions:cancel')
  @ApiOperation({ operationId: 'cancelExecution', summary: 'Cancel an execution' })
  @TakesIdempotencyKey()
  @ApiHeader({ name: 'If-Match', required: false, schema: { type: 'string' } })
  @Answers(200, 'Execution', 'Cancelled')
  @Answers(202, 'Execution', 'Asked: running nodes are being stopped')
  @Problems(404, 409, 412, 413, 415, 422)
  cancel(@Req() request: ApiRequest, @Caller() who: Principal, @Param('execution_id') ref: string, @Query() query: ShapeQuery, @Body() body: CancelBody): Promise<Answer> {
    return this.verbs.cancel({ request, who, ref, body, how: presentationOf(request, query, this.links.publicUrl, true) });
  }

  @Post('executions/:execution_id/retry')
  @Requires('executions:retry')
  @ApiOperation({ operationId: 'retryExecution', summary: 'Begin anew with the same input and version; stops the execution if it is alive' })
  @TakesIdempotencyKey()
  @ApiHeader({ name: 'If-Match', required: false, schema: { type: 'string' } })
  @TimeZone()
  @Prefer()
  @Answers(200, 'Execution', 'An earlier retry that is alive; or, waited for: it has ended')
  @Answers(201, 'Execution', 'The next execution')
  @Answers(202, 'Execution', 'Waited for: it goes on')
  @Problems(404, 409, 412, 413, 415, 422)
  retry(@Req() request: ApiRequest, @Caller() who: Principal, @Param('execution_id') ref: string, @Query() query: CreateQuery, @Body() body: CancelBody): Promise<Answer> {
    return this.retries.retry({ request, who, ref, body, waiting: waitingOf(request, query.wait), how: presentationOf(request, query, this.links.publicUrl, true) });
  }

  @Post('executions/:execution_id/replay')
  @Requires('executions:replay')
  @ApiOperation({ operationId: 'replayExecution', summary: 'Run an ended execution again: all of it, from a node, or from an event' })
  @TakesIdempotencyKey()
  @ApiHeader({ name: 'If-Match', required: false, schema: { type: 'string' } })
  @TimeZone()
  @Prefer()
  @AnswersOneOf(200, ['Execution', 'Plan'], 'Waited for: it has ended; or the plan that was asked for')
  @Answers(201, 'Execution', 'The new execution')
  @Answers(202, 'Execution', 'Waited for: it goes on')
  @Problems(404, 409, 412, 413, 415, 422)
  replay(@Req() request: ApiRequest, @Caller() who: Principal, @Param('execution_id') ref: string, @Query() query: CreateQuery, @Body() body: ReplayBody): Promise<Answer> {
    return this.replays.replay({ request, who, ref, body, waiting: waitingOf(request, query.wait), how: presentationOf(request, query, this.links.publicUrl, true) });
  }

  @Post('executions/:execution_id/respond')
  @Requires('executions:respond')
  @ApiOperation({ operationId: 'respondToGate', summary: 'Answer an open gate' })
  @TakesIdempotencyKey()
  @ApiHeader({ name: 'If-Match', required: false, schema: { type: 'string' } })
  @Answers(200, 'Execution')
  @Problems(404, 409, 412, 413, 415, 422)
  respond(@Req() request: ApiRequest, @Caller() who: Principal, @Param('execution_id') ref: string, @Query() query: ShapeQuery, @Body() body: RespondBody): Promise<Answer> {
    return this.verbs.respond({ request, who, ref, body, how: presentationOf(request, query, this.links.publicUrl, true) });
  }

  private create(request: ApiRequest, who: Principal, target: Target, query: CreateQuery, body: CreateExecutionBody, given: object = body): Promise<Answer> {
    const how = presentationOf(request, query, this.links.publicUrl, true);
    return this.creates.create({ request, who, target, body, given, waiting: waitingOf(request, query.wait), how });
  }
}

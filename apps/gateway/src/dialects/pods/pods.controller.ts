import { Body, Controller, Delete, Get, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Principal } from '../../auth/principal.js';
import { Requires } from '../../auth/requires.js';
import { Creates } from '../../executions/creates.js';
import { Gets } from '../../executions/gets.js';
import { Histories } from '../../executions/histories.js';
import { EventsQuery, LogsQuery } from '../../executions/history.dto.js';
import { CreateQuery, GetQuery, ShapeQuery } from '../../executions/list.dto.js';
import { Lists } from '../../executions/lists.js';
import { LogAnswers } from '../../executions/log-answers.js';
import { Links, type Presentation, presentationOf } from '../../executions/presentation.js';
import { Replays } from '../../executions/replays.js';
import { ReplayBody, RespondBody } from '../../executions/verbs.dto.js';
import { Verbs } from '../../executions/verbs.js';
import { waitingOf } from '../../executions/waiting.js';
import type { Answer } from '../../http/answer.js';
import type { ApiRequest } from '../../http/request.js';
import { Answers, Problems, TakesIdempotencyKey } from '../../http/responses.js';
import { PodCaller } from './pod-caller.js';
import { createBody, replayBody, respondBody } from './pods-bodies.js';
import { PodsCreateBody } from './pods-create.dto.js';
import { PodsListQuery } from './pods-list-query.js';

const Link = { Link: { description: '<...>; rel="next", where there is more', schema: { type: 'string' as const } } };
const LastEventId = () => ApiHeader({ name: 'Last-Event-ID', required: false, schema: { type: 'string' } });

/** The routes of pods' page: everything within one pod. */
@ApiTags('pods')
@ApiParam({ name: 'podId', type: String })
@ApiParam({ name: 'wId', type: String })
@Controller(['workspaces/:wId/pods/:podId/executions', 'v1/workspaces/:wId/pods/:podId/executions'])
export class PodsController {
  constructor(
    private readonly creates: Creates,
    private readonly lists: Lists,
    private readonly gets: Gets,
    private readonly histories: Histories,
    private readonly logAnswers: LogAnswers,
    private readonly verbs: Verbs,
    private readonly replays: Replays,
    private readonly links: Links,
  ) {}

  @Post()
  @Requires('executions:create')
  @ApiOperation({ operationId: 'podsTrigger', summary: 'Trigger a new execution' })
  @ApiBody(createBody)
  @TakesIdempotencyKey()
  @Answers(200, 'PodsExecution', 'Waited for: it has ended')
  @Answers(201, 'PodsExecution', 'Created')
  @Answers(202, 'PodsExecution', 'Waited for: it goes on')
  @Problems(404, 409, 413, 415, 422)
  create(@Req() request: ApiRequest, @PodCaller() who: Principal, @Query() query: CreateQuery, @Body() { workflow_id: workflow, ...body }: PodsCreateBody): Promise<Answer> {
    const waiting = waitingOf(request, query.wait);
    return this.creates.create({ request, who, target: { workflow, from: 'body' }, body, given: { ...body, workflow_id: workflow }, waiting, how: this.how(request, query) });
  }

  @Get()
  @Requires('executions:read')
  @ApiOperation({ operationId: 'podsList', summary: 'List executions, newest first' })
  @ApiResponse({ status: 200, description: 'A page', headers: Link, schema: { $ref: '#/components/schemas/PodsExecutions' } })
  @Problems(404)
  list(@Req() request: ApiRequest, @PodCaller() who: Principal, @Query() query: PodsListQuery): Promise<Answer> {
    const how = this.how(request, query);
    return this.lists.list(who, query, how, `${how.address}${request.originalUrl}`);
  }

  @Get(':execution_id')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'podsGet', summary: 'Execution detail' })
  @Answers(200, 'PodsExecution')
  @Problems(404)
  get(@Req() request: ApiRequest, @PodCaller() who: Principal, @Param('execution_id') ref: string, @Query() query: GetQuery): Promise<Answer> {
    return this.gets.get(request, who, ref, query);
  }

  @Get(':execution_id/logs')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'podsLogs', summary: 'Structured node logs, oldest first' })
  @LastEventId()
  @ApiResponse({ status: 200, description: 'A page', headers: Link, schema: { $ref: '#/components/schemas/PodsLogLines' } })
  @ApiResponse({ status: 204, description: 'Reconnected at or after the end' })
  @Problems(404)
  logs(@Req() request: ApiRequest, @Res() response: Response, @PodCaller() who: Principal, @Param('execution_id') ref: string, @Query() query: LogsQuery): Promise<void> {
    return this.logAnswers.send(request, response, who, ref, query);
  }

  @Get(':execution_id/events')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'podsEvents', summary: 'Live stream of node updates' })
  @LastEventId()
  @ApiResponse({ status: 200, description: 'Frames', content: { 'text/event-stream': { schema: { type: 'string' } } } })
  @ApiResponse({ status: 204, description: 'Reconnected at or after the end' })
  @Problems(404)
  events(@Req() request: ApiRequest, @Res() response: Response, @PodCaller() who: Principal, @Param('execution_id') ref: string, @Query() query: EventsQuery): Promise<void> {
    return this.histories.streamEvents(who, ref, request, query, response, this.how(request, {}));
  }

  @Patch(':execution_id/respond')
  @Requires('executions:respond')
  @ApiOperation({ operationId: 'podsRespond', summary: 'Resume a suspended execution' })
  @ApiBody(respondBody)
  @TakesIdempotencyKey()
  @Answers(200, 'PodsExecution')
  @Problems(404, 409, 412, 413, 415, 422)
  respond(@Req() request: ApiRequest, @PodCaller() who: Principal, @Param('execution_id') ref: string, @Query() query: ShapeQuery, @Body() body: RespondBody): Promise<Answer> {
    return this.verbs.respond({ request, who, ref, body, how: this.how(request, query) });
  }

  @Post(':execution_id/replay')
  @Requires('executions:replay')
  @ApiOperation({ operationId: 'podsReplay', summary: 'Replay from the start or from a node' })
  @ApiBody(replayBody)
  @TakesIdempotencyKey()
  @Answers(200, 'PodsExecution', 'Waited for: it has ended')
  @Answers(201, 'PodsExecution', 'The new execution')
  @Answers(202, 'PodsExecution', 'Waited for: it goes on')
  @Problems(404, 409, 412, 413, 415, 422)
  replay(@Req() request: ApiRequest, @PodCaller() who: Principal, @Param('execution_id') ref: string, @Query() query: CreateQuery, @Body() body: ReplayBody): Promise<Answer> {
    return this.replays.replay({ request, who, ref, body, waiting: waitingOf(request, query.wait), how: this.how(request, query) });
  }

  @Delete(':execution_id')
  @Requires('executions:cancel')
  @ApiOperation({ operationId: 'podsCancel', summary: 'Cancel' })
  @Answers(200, 'PodsExecution', 'Cancelled')
  @Answers(202, 'PodsExecution', 'Asked: running nodes are being stopped')
  @Problems(404, 409, 412)
  cancel(@Req() request: ApiRequest, @PodCaller() who: Principal, @Param('execution_id') ref: string, @Query() query: ShapeQuery): Promise<Answer> {
    return this.verbs.cancel({ request, who, ref, body: {}, how: this.how(request, query) });
  }

  private how(request: ApiRequest, query: ShapeQuery): Presentation {
    return presentationOf(request, query, this.links.publicUrl, true);
  }
}

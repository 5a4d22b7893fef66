import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { CancellationResource, DiffResource, ListResource, NodeResource, ProofResource, WhyResource } from '@runlog/contract';
import type { Response } from 'express';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import type { Answer } from '../http/answer.js';
import { unknown } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import { Answers, AnswersList, AnswersOneOf, Problems } from '../http/responses.js';
import { checkNumbered, wantsStream } from '../streams/last-event-id.js';
import { Histories } from './histories.js';
import { EventsQuery, LogsQuery, StreamQuery, TraceQuery } from './history.dto.js';
import { LogAnswers } from './log-answers.js';
import { Links, presentationOf } from './presentation.js';
import { Traces } from './traces.js';

const LastEventId = () => ApiHeader({ name: 'Last-Event-ID', required: false, schema: { type: 'string' } });

@ApiTags('executions')
@Controller('api/v1/executions/:execution_id')
export class HistoryController {
  constructor(
    private readonly histories: Histories,
    private readonly logAnswers: LogAnswers,
    private readonly traces: Traces,
    private readonly links: Links,
  ) {}

  @Get('events')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'listEvents', summary: 'The history, as pages or (Accept: text/event-stream) as a live stream' })
  @LastEventId()
  @AnswersList('Event')
  @ApiResponse({ status: 204, description: 'Reconnected at or after the end' })
  @Problems(404)
  async events(@Req() request: ApiRequest, @Res() response: Response, @Caller() who: Principal, @Param('execution_id') ref: string, @Query() query: EventsQuery): Promise<void> {
    const how = presentationOf(request, {}, this.links.publicUrl, true);
    if (!how.dialect.events) checkNumbered(request, query.last_event_id);
    if (wantsStream(request) || how.dialect.events) return this.histories.streamEvents(who, ref, request, query, response, how);
    const { headers, body } = await this.histories.events(who, ref, query);
    response.status(200).set(headers).json(body);
  }

  @Get('logs')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'listLogs', summary: 'Structured log lines, oldest first: JSON, ndjson, or (follow=true) a live stream' })
  @LastEventId()
  @AnswersList('LogLine')
  @ApiResponse({ status: 204, description: 'Reconnected at or after the end' })
  @Problems(404)
  logs(@Req() request: ApiRequest, @Res() response: Response, @Caller() who: Principal, @Param('execution_id') ref: string, @Query() query: LogsQuery): Promise<void> {
    return this.logAnswers.send(request, response, who, ref, query);
  }

  @Get('stream')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'streamExecution', summary: 'What its agents think, do and say, and its end, as they happen' })
  @LastEventId()
  @ApiResponse({ status: 200, description: 'Frames', content: { 'text/event-stream': { schema: { type: 'string' } } } })
  @ApiResponse({ status: 204, description: 'Reconnected at or after the end' })
  @Problems(404)
  stream(@Req() request: ApiRequest, @Res() response: Response, @Caller() who: Principal, @Param('execution_id') ref: string, @Query() query: StreamQuery): Promise<void> {
    return this.histories.stream(who, ref, request, query, response);
  }

  @Get('nodes')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'listNodes', summary: 'Every node with its attempts' })
  @AnswersList('Node')
  @Problems(404)
  nodes(@Caller() who: Principal, @Param('execution_id') ref: string): Promise<ListResource<NodeResource>> {
    return this.histories.nodes(who, ref);
  }

  @Get('nodes/:node_id')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'getNode', summary: 'One node with its attempts' })
  @Answers(200, 'Node')
  @Problems(404)
  async node(@Caller() who: Principal, @Param('execution_id') ref: string, @Param('node_id') id: string): Promise<NodeResource> {
    const { data } = await this.histories.nodes(who, ref, id);
    const node = data.find(({ node_id }) => node_id === id);
    if (!node) throw unknown('node', id);
    return node;
  }

  @Get('why')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'whyExecution', summary: 'What it waits for, since when, and who can unblock it' })
  @Answers(200, 'Why')
  @Problems(404)
  why(@Caller() who: Principal, @Param('execution_id') ref: string): Promise<WhyResource> {
    return this.histories.why(who, ref);
  }

  @Get('trace')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'traceExecution', summary: 'Where its time went: a tree of spans, live while it runs; or (format=otlp) OTLP/JSON' })
  @AnswersOneOf(200, ['Trace', 'Otlp'], 'The tree; or what a collector takes')
  @Problems(404)
  trace(@Caller() who: Principal, @Param('execution_id') ref: string, @Query() { format }: TraceQuery): Promise<Answer> {
    return this.traces.trace(who, ref, format ?? 'json');
  }

  @Get('proof')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'proveExecution', summary: 'The hash chain of the history, recomputed' })
  @Answers(200, 'Proof')
  @Problems(404)
  proof(@Caller() who: Principal, @Param('execution_id') ref: string): Promise<ProofResource> {
    return this.histories.proof(who, ref);
  }

  @Get('diff/:other')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'diffExecutions', summary: 'Where two executions part, and how their nodes compare' })
  @Answers(200, 'Diff')
  @Problems(404)
  diff(@Caller() who: Principal, @Param('execution_id') ref: string, @Param('other') other: string): Promise<DiffResource> {
    return this.histories.diff(who, ref, other);
  }

  @Get('cancellation')
  @Requires('executions:read')
  @ApiOperation({ operationId: 'getCancellation', summary: 'What became of a cancel: who asked, and how each node ended' })
  @Answers(200, 'Cancellation')
  @Problems(404)
  cancellation(@Caller() who: Principal, @Param('execution_id') ref: string): Promise<CancellationResource> {
    return this.histories.cancellation(who, ref);
  }
}

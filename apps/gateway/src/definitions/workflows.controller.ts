import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { ListResource, WorkflowResource, WorkflowVersionResource } from '@runlog/contract';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { PageQuery } from '../executions/list.dto.js';
import type { Answer } from '../http/answer.js';
import type { ApiRequest } from '../http/request.js';
import { Answers, AnswersList, Problems, TakesIdempotencyKey } from '../http/responses.js';
import { Idempotency } from '../idempotency.js';
import { DefinitionBody } from './definition.dto.js';
import { Definitions } from './definitions.js';

@ApiTags('workflows')
@Controller('api/v1/workflows')
export class WorkflowsController {
  constructor(
    private readonly definitions: Definitions,
    private readonly idempotency: Idempotency,
  ) {}

  @Post()
  @Requires('workflows:write')
  @ApiOperation({ operationId: 'createWorkflow', summary: 'Create a workflow with version 1' })
  @TakesIdempotencyKey()
  @Answers(201, 'Workflow')
  @Problems(409, 413, 415, 422)
  create(@Req() request: ApiRequest, @Caller() who: Principal, @Body() body: DefinitionBody): Promise<Answer> {
    return this.idempotency.once(request, who, body, () => this.definitions.create(who, body));
  }

  @Post('validate')
  @Requires('workflows:read')
  @ApiOperation({ operationId: 'validateWorkflow', summary: 'Everything that is wrong with a definition, at once' })
  @Answers(200, 'Validation')
  @Problems(413, 415, 422)
  validate(@Caller() who: Principal, @Body() body: DefinitionBody): ReturnType<Definitions['validate']> {
    return this.definitions.validate(who, body);
  }

  @Get()
  @Requires('workflows:read')
  @ApiOperation({ operationId: 'listWorkflows', summary: 'List workflows, newest first' })
  @AnswersList('Workflow')
  @Problems()
  list(@Caller() who: Principal, @Query() query: PageQuery): Promise<ListResource<WorkflowResource>> {
    return this.definitions.list(who, query);
  }

  @Get(':workflow_id')
  @Requires('workflows:read')
  @ApiOperation({ operationId: 'getWorkflow', summary: 'One workflow with its latest version' })
  @Answers(200, 'Workflow')
  @Problems(404)
  get(@Caller() who: Principal, @Param('workflow_id') ref: string): Promise<WorkflowResource> {
    return this.definitions.get(who, ref);
  }

  @Post(':workflow_id/versions')
  @Requires('workflows:write')
  @ApiOperation({ operationId: 'publishWorkflowVersion', summary: 'Publish the next version' })
  @TakesIdempotencyKey()
  @Answers(200, 'WorkflowVersion', 'The latest version is the same')
  @Answers(201, 'WorkflowVersion', 'Published')
  @Problems(404, 409, 413, 415, 422)
  publish(@Req() request: ApiRequest, @Caller() who: Principal, @Param('workflow_id') ref: string, @Body() body: DefinitionBody): Promise<Answer> {
    return this.idempotency.once(request, who, body, () => this.definitions.publish(who, ref, body));
  }

  @Get(':workflow_id/versions')
  @Requires('workflows:read')
  @ApiOperation({ operationId: 'listWorkflowVersions', summary: 'Published versions, newest first' })
  @AnswersList('WorkflowVersion')
  @Problems(404)
  versions(@Caller() who: Principal, @Param('workflow_id') ref: string, @Query() query: PageQuery): Promise<ListResource<WorkflowVersionResource>> {
    return this.definitions.versions(who, ref, query);
  }

  @Get(':workflow_id/versions/:version')
  @Requires('workflows:read')
  @ApiOperation({ operationId: 'getWorkflowVersion', summary: 'One published version, by number or id' })
  @Answers(200, 'WorkflowVersion')
  @Problems(404)
  version(@Caller() who: Principal, @Param('workflow_id') ref: string, @Param('version') version: string): Promise<WorkflowVersionResource> {
    return this.definitions.version(who, ref, version);
  }
}

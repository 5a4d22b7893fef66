import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { AgentResource, AgentVersionResource, ListResource } from '@runlog/contract';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { PageQuery } from '../executions/list.dto.js';
import type { Answer } from '../http/answer.js';
import type { ApiRequest } from '../http/request.js';
import { Answers, AnswersList, Problems, TakesIdempotencyKey } from '../http/responses.js';
import { Idempotency } from '../idempotency.js';
import { AgentDefinitionBody } from './agent.dto.js';
import { Agents } from './agents.js';

@ApiTags('agents')
@Controller('api/v1/agents')
export class AgentsController {
  constructor(
    private readonly agents: Agents,
    private readonly idempotency: Idempotency,
  ) {}

  @Post()
  @Requires('agents:write')
  @ApiOperation({ operationId: 'createAgent', summary: 'Create an agent with version 1' })
  @TakesIdempotencyKey()
  @Answers(201, 'Agent')
  @Problems(409, 413, 415, 422)
  create(@Req() request: ApiRequest, @Caller() who: Principal, @Body() body: AgentDefinitionBody): Promise<Answer> {
    return this.idempotency.once(request, who, body, () => this.agents.create(who, body));
  }

  @Post('validate')
  @Requires('agents:read')
  @ApiOperation({ operationId: 'validateAgent', summary: 'Everything that is wrong with a definition, at once' })
  @Answers(200, 'Validation')
  @Problems(413, 415, 422)
  validate(@Body() body: AgentDefinitionBody): ReturnType<Agents['validate']> {
    return this.agents.validate(body);
  }

  @Get()
  @Requires('agents:read')
  @ApiOperation({ operationId: 'listAgents', summary: 'List agents, newest first' })
  @AnswersList('Agent')
  @Problems()
  list(@Caller() who: Principal, @Query() query: PageQuery): Promise<ListResource<AgentResource>> {
    return this.agents.list(who, query);
  }

  @Get(':agent_id')
  @Requires('agents:read')
  @ApiOperation({ operationId: 'getAgent', summary: 'One agent with its latest version' })
  @Answers(200, 'Agent')
  @Problems(404)
  get(@Caller() who: Principal, @Param('agent_id') ref: string): Promise<AgentResource> {
    return this.agents.get(who, ref);
  }

  @Post(':agent_id/versions')
  @Requires('agents:write')
  @ApiOperation({ operationId: 'publishAgentVersion', summary: 'Publish the next version' })
  @TakesIdempotencyKey()
  @Answers(200, 'AgentVersion', 'The latest version is the same')
  @Answers(201, 'AgentVersion', 'Published')
  @Problems(404, 409, 413, 415, 422)
  publish(@Req() request: ApiRequest, @Caller() who: Principal, @Param('agent_id') ref: string, @Body() body: AgentDefinitionBody): Promise<Answer> {
    return this.idempotency.once(request, who, body, () => this.agents.publish(who, ref, body));
  }

  @Get(':agent_id/versions')
  @Requires('agents:read')
  @ApiOperation({ operationId: 'listAgentVersions', summary: 'Published versions, newest first' })
  @AnswersList('AgentVersion')
  @Problems(404)
  versions(@Caller() who: Principal, @Param('agent_id') ref: string, @Query() query: PageQuery): Promise<ListResource<AgentVersionResource>> {
    return this.agents.versions(who, ref, query);
  }

  @Get(':agent_id/versions/:version')
  @Requires('agents:read')
  @ApiOperation({ operationId: 'getAgentVersion', summary: 'One published version, by number or id' })
  @Answers(200, 'AgentVersion')
  @Problems(404)
  version(@Caller() who: Principal, @Param('agent_id') ref: string, @Param('version') version: string): Promise<AgentVersionResource> {
    return this.agents.version(who, ref, version);
  }
}

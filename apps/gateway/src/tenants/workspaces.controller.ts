import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { ListResource, PodResource, WorkspaceResource } from '@runlog/contract';
import { Catalog, hashApiKey, type Pod, type Workspace } from '@runlog/read-model';
import { IANAZone } from 'luxon';
import { newKey } from '../auth/new-key.js';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { checkWholeWorkspace } from '../auth/whole-workspace.js';
import { utc } from '../executions/execution-times.js';
import { PageQuery } from '../executions/list.dto.js';
import { Answer } from '../http/answer.js';
import { pageOf } from '../http/pages.js';
import { invalid, Problem, unknown } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import { Answers, AnswersList, Problems, TakesIdempotencyKey } from '../http/responses.js';
import { Idempotency } from '../idempotency.js';
import { slugRef } from '../ids.js';
import { PodBody, WorkspaceBody } from './workspaces.dto.js';

/** A key sees its own workspace, and there the pods that it may act in. */
@ApiTags('workspaces')
@Controller('api/v1')
export class WorkspacesController {
  constructor(
    private readonly catalog: Catalog,
    private readonly idempotency: Idempotency,
  ) {}

  @Post('workspaces')
  @Requires('workspaces:write')
  @ApiOperation({ operationId: 'createWorkspace', summary: 'Make a workspace with pod `default` and a key of its first admin; only an admin of workspace `default` may' })
  @TakesIdempotencyKey()
  @Answers(201, 'CreatedWorkspace')
  @Problems(409, 413, 415, 422)
  create(@Req() request: ApiRequest, @Caller() who: Principal, @Body() body: WorkspaceBody): Promise<Answer> {
    return this.idempotency.once(
      request,
      who,
      body,
      async () => {
        await this.checkRunsInstallation(who);
        const { slug, name = slug, timezone = 'UTC' } = body;
        if (!IANAZone.isValidZone(timezone))
          throw invalid([{ pointer: '/timezone', detail: `Expected an IANA time zone such as 'Europe/Berlin', but got '${timezone}'` }], 'invalid_timezone');
        const made = await this.catalog.createWorkspace({ slug, name, timezone }, Date.now());
        if (!made) throw new Problem('conflict', 'workspace_exists', `Expected a slug that no workspace has, but there is '${slug}'`);
        const { key, prefix } = newKey();
        const scope = { workspaceId: made.workspace.id, podId: null, userId: null, dialect: null };
        const { id } = await this.catalog.createApiKey({ ...scope, name: 'admin', role: 'admin', prefix, hash: hashApiKey(key), at: Date.now() });
        return new Answer(201, { ...workspaceResource(made.workspace), api_key: { id, prefix, key } });
      },
      { sealed: true },
    );
  }

  @Post('pods')
  @Requires('workspaces:write')
  @ApiOperation({ operationId: 'createPod', summary: 'Make a pod: a part of the workspace that executions are created in' })
  @TakesIdempotencyKey()
  @Answers(201, 'Pod')
  @Problems(409, 413, 415, 422)
  createPod(@Req() request: ApiRequest, @Caller() who: Principal, @Body() { slug, name = slug }: PodBody): Promise<Answer> {
    return this.idempotency.once(request, who, { slug, name }, async () => {
      checkWholeWorkspace(who, `to make pod '${slug}'`);
      const pod = await this.catalog.createPod(who.workspaceId, { slug, name }, Date.now());
      if (!pod) throw new Problem('conflict', 'pod_exists', `Expected a slug that no pod of this workspace has, but there is '${slug}'`);
      return new Answer(201, podResource(pod));
    });
  }

  @Get('workspaces')
  @Requires('workspaces:read')
  @ApiOperation({ operationId: 'listWorkspaces', summary: "The key's workspace" })
  @AnswersList('Workspace')
  @Problems()
  async workspaces(@Caller() who: Principal, @Query() query: PageQuery): Promise<ListResource<WorkspaceResource>> {
    return pageOf([await this.own(who)].map(workspaceResource), query);
  }

  @Get('workspaces/:workspace_id')
  @Requires('workspaces:read')
  @ApiOperation({ operationId: 'getWorkspace', summary: 'One workspace, by id or slug' })
  @Answers(200, 'Workspace')
  @Problems(404)
  async workspace(@Caller() who: Principal, @Param('workspace_id') ref: string): Promise<WorkspaceResource> {
    const own = await this.own(who);
    const named = slugRef(ref);
    if (named === null || ![own.slug, own.id].includes(named)) throw unknown('workspace', ref);
    return workspaceResource(own);
  }

  @Get('pods')
  @Requires('workspaces:read')
  @ApiOperation({ operationId: 'listPods', summary: 'Pods of the workspace, newest first' })
  @AnswersList('Pod')
  @Problems()
  async pods(@Caller() who: Principal, @Query() query: PageQuery): Promise<ListResource<PodResource>> {
    const pods = await this.catalog.pods(who.workspaceId);
    return pageOf(pods.filter(({ id }) => who.podId === null || id === who.podId).map(podResource), query);
  }

  @Get('pods/:pod_id')
  @Requires('workspaces:read')
  @ApiOperation({ operationId: 'getPod', summary: 'One pod, by id or slug' })
  @Answers(200, 'Pod')
  @Problems(404)
  async pod(@Caller() who: Principal, @Param('pod_id') ref: string): Promise<PodResource> {
    const named = slugRef(ref);
    const pod = named === null ? null : await this.catalog.pod(who.workspaceId, named);
    if (!pod || (who.podId !== null && pod.id !== who.podId)) throw unknown('pod', ref);
    return podResource(pod);
  }

  private async checkRunsInstallation(who: Principal): Promise<void> {
    const own = await this.own(who);
    if (own.slug !== 'default' || who.podId !== null)
      throw new Problem('forbidden', 'forbidden', `Expected an admin key of workspace 'default', but this one is of '${own.slug}'${who.podId === null ? '' : ', and of one pod'}`);
  }

  private async own({ workspaceId }: Principal): Promise<Workspace> {
    const workspace = await this.catalog.workspace(workspaceId);
    if (!workspace) throw unknown('workspace', workspaceId);
    return workspace;
  }
}

const workspaceResource = ({ id, slug, name, timezone, createdAt }: Workspace): WorkspaceResource => ({
  object: 'workspace',
  id,
  slug,
  name,
  timezone,
  created_at: utc(createdAt),
});

const podResource = ({ id, workspaceId, slug, name, createdAt }: Pod): PodResource => ({ object: 'pod', id, workspace_id: workspaceId, slug, name, created_at: utc(createdAt) });

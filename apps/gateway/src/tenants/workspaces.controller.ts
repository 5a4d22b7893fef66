import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { ListResource, PodResource, WorkspaceResource } from '@runlog/contract';
import { Catalog, type Pod, type Workspace } from '@runlog/read-model';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { utc } from '../executions/execution-times.js';
import { PageQuery } from '../executions/list.dto.js';
import { pageOf } from '../http/pages.js';
import { unknown } from '../http/problem.js';
import { Answers, AnswersList, Problems } from '../http/responses.js';
import { isUuid, uuidOfKsuid } from '../ids.js';

/** A key sees its own workspace, and there the pods that it may act in. */
@ApiTags('workspaces')
@Controller('api/v1')
export class WorkspacesController {
  constructor(private readonly catalog: Catalog) {}

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
    if (own.slug !== ref && own.id !== uuidIn(ref)) throw unknown('workspace', ref);
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
    const pod = await this.catalog.pod(who.workspaceId, uuidIn(ref) ?? ref);
    if (!pod || (who.podId !== null && pod.id !== who.podId)) throw unknown('pod', ref);
    return podResource(pod);
  }

  private async own({ workspaceId }: Principal): Promise<Workspace> {
    const workspace = await this.catalog.workspace(workspaceId);
    if (!workspace) throw unknown('workspace', workspaceId);
    return workspace;
  }
}

const uuidIn = (ref: string): string | null => (isUuid(ref) ? ref.toLowerCase() : uuidOfKsuid(ref));

const workspaceResource = ({ id, slug, name, timezone, createdAt }: Workspace): WorkspaceResource => ({
  object: 'workspace',
  id,
  slug,
  name,
  timezone,
  created_at: utc(createdAt),
});

const podResource = ({ id, workspaceId, slug, name, createdAt }: Pod): PodResource => ({ object: 'pod', id, workspace_id: workspaceId, slug, name, created_at: utc(createdAt) });

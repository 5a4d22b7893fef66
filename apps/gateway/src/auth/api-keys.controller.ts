import { Body, Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiPropertyOptional, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ApiKeyResource, ListResource } from '@runlog/contract';
import { type ApiKey, Catalog, hashApiKey } from '@runlog/read-model';
import { ArrayMaxSize, IsArray, IsIn, IsOptional, IsString, IsUUID, Length } from 'class-validator';
import { dialectNames } from '../dialects/dialect.js';
import { utc } from '../executions/execution-times.js';
import { PageQuery } from '../executions/list.dto.js';
import { Answer } from '../http/answer.js';
import { pageOf } from '../http/pages.js';
import { invalid, unknown } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import { Answers, AnswersList, Problems, TakesIdempotencyKey } from '../http/responses.js';
import { Idempotency } from '../idempotency.js';
import { isUuid, slugRef } from '../ids.js';
import { KeyRing } from './key-ring.js';
import { newKey } from './new-key.js';
import { Caller, type FinerPermission, finerPermissions, type Principal, type Role, roles } from './principal.js';
import { Requires } from './requires.js';

/** A new key of the caller's workspace. */
export class ApiKeyBody {
  @ApiProperty({ type: String, minLength: 1, maxLength: 100 })
  @IsString()
  @Length(1, 100)
  name!: string;

  @ApiProperty({ enum: roles })
  @IsIn(roles)
  role!: Role;

  @ApiPropertyOptional({ enum: finerPermissions, isArray: true, maxItems: 2, description: 'Beside the role: `run` creates, cancels, retries and replays; `approve` answers gates' })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(finerPermissions.length)
  @IsIn(finerPermissions, { each: true })
  permissions?: FinerPermission[];

  @ApiPropertyOptional({ type: String, format: 'uuid', description: 'Whose key it is: what is done with it is done by `user:<id>`', nullable: true })
  @IsOptional()
  @IsUUID()
  user_id?: string | null;

  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 64, description: 'Id or slug of a pod: the key then sees and creates there only', nullable: true })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  pod_id?: string | null;

  @ApiPropertyOptional({ enum: dialectNames, nullable: true })
  @IsOptional()
  @IsIn(dialectNames)
  dialect?: string | null;
}

@ApiTags('api-keys')
@Controller('api/v1/api-keys')
export class ApiKeysController {
  constructor(
    private readonly catalog: Catalog,
    private readonly keys: KeyRing,
    private readonly idempotency: Idempotency,
  ) {}

  @Post()
  @Requires('api-keys:write')
  @ApiOperation({ operationId: 'createApiKey', summary: 'Make a key; it is shown this once' })
  @TakesIdempotencyKey()
  @Answers(201, 'ApiKey')
  @Problems(409, 413, 415, 422)
  create(@Req() request: ApiRequest, @Caller() who: Principal, @Body() body: ApiKeyBody): Promise<Answer> {
    return this.idempotency.once(
      request,
      who,
      body,
      async () => {
        const podId = await this.pod(who, body.pod_id ?? who.podId);
        const userId = await this.user(who, body.user_id?.toLowerCase() ?? null);
        const { key, prefix } = newKey();
        const made = await this.catalog.createApiKey({
          workspaceId: who.workspaceId,
          podId,
          name: body.name,
          role: body.role,
          permissions: [...new Set(body.permissions)].sort(),
          dialect: body.dialect ?? null,
          prefix,
          hash: hashApiKey(key),
          userId,
          at: Date.now(),
        });
        return new Answer(201, { ...resource(made), key });
      },
      { sealed: true },
    );
  }

  @Get()
  @Requires('api-keys:read')
  @ApiOperation({ operationId: 'listApiKeys', summary: 'Keys of the workspace, newest first' })
  @AnswersList('ApiKey')
  @Problems()
  async list(@Caller() who: Principal, @Query() query: PageQuery): Promise<ListResource<ApiKeyResource>> {
    const keys = await this.catalog.apiKeys(who.workspaceId);
    return pageOf(keys.filter((key) => key.revokedAt === null && visible(who, key)).map(resource), query);
  }

  @Delete(':key_id')
  @Requires('api-keys:write')
  @ApiOperation({ operationId: 'revokeApiKey', summary: 'Revoke a key; it stops working within five seconds' })
  @ApiResponse({ status: 204, description: 'Revoked' })
  @Problems(404)
  async revoke(@Caller() who: Principal, @Param('key_id') id: string): Promise<Answer> {
    const key = isUuid(id) ? (await this.catalog.apiKeys(who.workspaceId)).find((one) => one.id === id.toLowerCase()) : undefined;
    if (!key || !visible(who, key)) throw unknown('API key', id);
    await this.catalog.revokeApiKey(who.workspaceId, key.id, Date.now());
    this.keys.forget();
    return new Answer(204);
  }

  private async user(who: Principal, id: string | null): Promise<string | null> {
    if (id !== null && !(await this.catalog.user(who.workspaceId, id)))
      throw invalid([{ pointer: '/user_id', detail: `Expected the id of a user of this workspace, but there is no '${id}'` }], 'user_not_found');
    return id;
  }

  private async pod(who: Principal, ref: string | null): Promise<string | null> {
    if (ref === null) return null;
    const named = slugRef(ref);
    const pod = named === null ? null : await this.catalog.pod(who.workspaceId, named);
    if (!pod || (who.podId !== null && pod.id !== who.podId))
      throw invalid([{ pointer: '/pod_id', detail: `Expected the id or slug of a pod, but there is no '${ref}'` }], 'pod_not_found');
    return pod.id;
  }
}

const visible = (who: Principal, key: ApiKey): boolean => who.podId === null || key.podId === who.podId;

const resource = ({ id, name, prefix, role, permissions, podId, userId, dialect, createdAt }: ApiKey): ApiKeyResource => ({
  object: 'api_key',
  id,
  name,
  prefix,
  role,
  permissions,
  user_id: userId,
  pod_id: podId,
  dialect,
  created_at: utc(createdAt),
});

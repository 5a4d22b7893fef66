import { Body, Controller, Delete, Get, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ListResource, UserResource } from '@runlog/contract';
import { Catalog, type User } from '@runlog/read-model';
import { IsEmail, IsString, Length } from 'class-validator';
import { KeyRing } from '../auth/key-ring.js';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { checkWholeWorkspace } from '../auth/whole-workspace.js';
import { utc } from '../executions/execution-times.js';
import { PageQuery } from '../executions/list.dto.js';
import { Answer } from '../http/answer.js';
import { pageOf } from '../http/pages.js';
import { Problem, unknown } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import { Answers, AnswersList, Problems, TakesIdempotencyKey } from '../http/responses.js';
import { Idempotency } from '../idempotency.js';
import { isUuid } from '../ids.js';

/** A person of the caller's workspace. */
export class UserBody {
  @ApiProperty({ type: String, format: 'email', maxLength: 254, description: 'One person per address and workspace' })
  @IsEmail()
  @Length(3, 254)
  email!: string;

  @ApiProperty({ type: String, minLength: 1, maxLength: 100 })
  @IsString()
  @Length(1, 100)
  name!: string;
}

/** People whom keys belong to. There are no passwords: who holds a key acts as its person. */
@ApiTags('users')
@Controller('api/v1/users')
export class UsersController {
  constructor(
    private readonly catalog: Catalog,
    private readonly keys: KeyRing,
    private readonly idempotency: Idempotency,
  ) {}

  @Post()
  @Requires('users:write')
  @ApiOperation({ operationId: 'createUser', summary: 'Add a person that keys can belong to' })
  @TakesIdempotencyKey()
  @Answers(201, 'User')
  @Problems(409, 413, 415, 422)
  create(@Req() request: ApiRequest, @Caller() who: Principal, @Body() body: UserBody): Promise<Answer> {
    return this.idempotency.once(request, who, body, async () => {
      checkWholeWorkspace(who, 'to add people to it');
      const user = await this.catalog.createUser(who.workspaceId, { email: body.email, name: body.name }, Date.now());
      if (!user) throw new Problem('conflict', 'user_exists', `Expected an address that nobody of this workspace has, but there is a user '${body.email}'`);
      return new Answer(201, resource(user));
    });
  }

  @Get()
  @Requires('users:read')
  @ApiOperation({ operationId: 'listUsers', summary: 'People of the workspace, newest first' })
  @AnswersList('User')
  @Problems()
  async list(@Caller() who: Principal, @Query() query: PageQuery): Promise<ListResource<UserResource>> {
    return pageOf((await this.catalog.users(who.workspaceId)).map(resource), query);
  }

  @Get(':user_id')
  @Requires('users:read')
  @ApiOperation({ operationId: 'getUser', summary: 'One person' })
  @Answers(200, 'User')
  @Problems(404)
  async get(@Caller() who: Principal, @Param('user_id') id: string): Promise<UserResource> {
    const user = isUuid(id) ? await this.catalog.user(who.workspaceId, id.toLowerCase()) : null;
    if (!user) throw unknown('user', id);
    return resource(user);
  }

  @Delete(':user_id')
  @Requires('users:write')
  @ApiOperation({ operationId: 'removeUser', summary: 'Remove a person; every key that belongs to it stops working within five seconds' })
  @ApiResponse({ status: 204, description: 'Removed' })
  @Problems(404)
  async remove(@Caller() who: Principal, @Param('user_id') id: string): Promise<Answer> {
    checkWholeWorkspace(who, 'to remove people from it');
    if (!isUuid(id) || !(await this.catalog.removeUser(who.workspaceId, id.toLowerCase(), Date.now()))) throw unknown('user', id);
    this.keys.forget();
    return new Answer(204);
  }
}

const resource = ({ id, email, name, createdAt }: User): UserResource => ({ object: 'user', id, email, name, created_at: utc(createdAt) });

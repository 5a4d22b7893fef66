import { Body, Controller, Delete, Get, Param, Put, Query } from '@nestjs/common';
import { ApiOperation, ApiProperty, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { ListResource, SecretResource } from '@runlog/contract';
import { Catalog, type Secret, SecretBox } from '@runlog/read-model';
import { IsString, Length } from 'class-validator';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { checkWholeWorkspace } from '../auth/whole-workspace.js';
import { utc } from '../executions/execution-times.js';
import { PageQuery } from '../executions/list.dto.js';
import { Answer } from '../http/answer.js';
import { pageOf } from '../http/pages.js';
import { invalid, unknown } from '../http/problem.js';
import { Answers, AnswersList, Problems } from '../http/responses.js';

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** A secret's new value: write-only. */
export class SecretBody {
  @ApiProperty({ type: String, minLength: 1, maxLength: 65_536, writeOnly: true })
  @IsString()
  @Length(1, 65_536)
  value!: string;
}

@ApiTags('secrets')
@Controller('api/v1/secrets')
export class SecretsController {
  constructor(
    private readonly catalog: Catalog,
    private readonly box: SecretBox,
  ) {}

  @Put(':name')
  @Requires('secrets:write')
  @ApiOperation({ operationId: 'putSecret', summary: 'Set a secret; its value is never shown again' })
  @Answers(200, 'Secret', 'Replaced')
  @Answers(201, 'Secret', 'Created')
  @Problems(413, 415, 422)
  async put(@Caller() who: Principal, @Param('name') name: string, @Body() body: SecretBody): Promise<Answer> {
    if (!NAME.test(name)) throw invalid([{ pointer: '/name', detail: 'Expected a name of 1 to 64 letters, digits, dots, dashes and underscores' }], 'invalid_name');
    checkWholeWorkspace(who, `to set secret '${name}'`);
    const { created } = await this.catalog.putSecret(who.workspaceId, name, this.box.seal(who.workspaceId, name, body.value), Date.now());
    const secret = await this.catalog.secret(who.workspaceId, name);
    if (!secret) throw unknown('secret', name);
    return new Answer(created ? 201 : 200, resource(secret));
  }

  @Get()
  @Requires('secrets:read')
  @ApiOperation({ operationId: 'listSecrets', summary: 'Names of secrets, newest first' })
  @AnswersList('Secret')
  @Problems()
  async list(@Caller() who: Principal, @Query() query: PageQuery): Promise<ListResource<SecretResource>> {
    return pageOf((await this.catalog.secrets(who.workspaceId)).map(resource), query);
  }

  @Delete(':name')
  @Requires('secrets:write')
  @ApiOperation({ operationId: 'deleteSecret', summary: 'Forget a secret' })
  @ApiResponse({ status: 204, description: 'Gone' })
  @Problems(404)
  async delete(@Caller() who: Principal, @Param('name') name: string): Promise<Answer> {
    checkWholeWorkspace(who, `to delete secret '${name}'`);
    if (!NAME.test(name) || !(await this.catalog.deleteSecret(who.workspaceId, name))) throw unknown('secret', name);
    return new Answer(204);
  }
}

const resource = ({ name, createdAt, updatedAt }: Secret): SecretResource => ({ object: 'secret', name, created_at: utc(createdAt), updated_at: utc(updatedAt) });

import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { ListResource, QueueDetailResource, QueueResource } from '@runlog/contract';
import { Catalog } from '@runlog/read-model';
import { actorOf, Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { checkWholeWorkspace } from '../auth/whole-workspace.js';
import { Answer } from '../http/answer.js';
import { invalid, unknown } from '../http/problem.js';
import { Answers, AnswersList, Problems } from '../http/responses.js';
import { queueDetail, queueResource, settingsIn } from './queue-resource.js';
import { QueueBody, QueuesQuery } from './queues.dto.js';

const NAME = /^[A-Za-z0-9_.:-]{1,128}$/;
const PAGE = 50;
const MOST_HOLDERS = 100;
const MOST_CHANGES = 20;

/** Queues belong to the workspace: whoever may act in one of its pods alone sees them and changes nothing. */
@ApiTags('queues')
@Controller('api/v1/queues')
export class QueuesController {
  constructor(private readonly catalog: Catalog) {}

  @Put(':name')
  @Requires('queues:write')
  @ApiOperation({ operationId: 'putQueue', summary: 'Set the limits of a queue, pause or resume it; effective at once' })
  @Answers(200, 'QueueDetail', 'Changed')
  @Answers(201, 'QueueDetail', 'Set for the first time')
  @Problems(413, 415, 422)
  async put(@Caller() who: Principal, @Param('name') name: string, @Body() body: QueueBody): Promise<Answer> {
    if (!NAME.test(name)) throw invalid([{ pointer: '/name', detail: 'Expected a name of 1 to 128 letters, digits, dots, colons, dashes and underscores' }], 'invalid_name');
    checkWholeWorkspace(who, `to set queue '${name}'`);
    const { created } = await this.catalog.putQueue({ workspaceId: who.workspaceId, name, settings: settingsIn(body), by: actorOf(who), at: Date.now() });
    return new Answer(created ? 201 : 200, await this.detail(who, name));
  }

  @Get(':name')
  @Requires('queues:read')
  @ApiOperation({ operationId: 'getQueue', summary: 'Limits of a queue, how many hold slots and wait, who holds them, who changed it' })
  @Answers(200, 'QueueDetail')
  @Problems(404)
  get(@Caller() who: Principal, @Param('name') name: string): Promise<QueueDetailResource> {
    return this.detail(who, name);
  }

  @Get()
  @Requires('queues:read')
  @ApiOperation({ operationId: 'listQueues', summary: 'Every queue that was set or is in use, by name' })
  @AnswersList('Queue')
  @Problems()
  async list(@Caller() who: Principal, @Query() { limit = PAGE, after }: QueuesQuery): Promise<ListResource<QueueResource>> {
    const queues = await this.catalog.queues(who.workspaceId, limit + 1, after);
    const data = queues.slice(0, limit).map(queueResource);
    const has_more = queues.length > limit;
    return { object: 'list', data, has_more, next_cursor: has_more ? (data.at(-1)?.name ?? null) : null, prev_cursor: null };
  }

  private async detail({ workspaceId, podId }: Principal, name: string): Promise<QueueDetailResource> {
    const queue = NAME.test(name) ? await this.catalog.queue(workspaceId, name) : null;
    if (!queue) throw unknown('queue', name);
    const [holders, changes] = await Promise.all([
      this.catalog.queueHolders({ workspaceId, name, podId, limit: MOST_HOLDERS }),
      this.catalog.queueChanges(workspaceId, name, MOST_CHANGES),
    ]);
    return queueDetail(queue, holders, changes);
  }
}

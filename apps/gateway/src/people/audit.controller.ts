import { Controller, Get, Query } from '@nestjs/common';
import { ApiOperation, ApiTags, PickType } from '@nestjs/swagger';
import type { AuditResource, ListResource } from '@runlog/contract';
import { Catalog } from '@runlog/read-model';
import { Caller, type Principal } from '../auth/principal.js';
import { Requires } from '../auth/requires.js';
import { checkWholeWorkspace } from '../auth/whole-workspace.js';
import { utc } from '../executions/execution-times.js';
import { PageQuery } from '../executions/list.dto.js';
import { cursorOf, placeIn } from '../http/cursor.js';
import { AnswersList, Problems } from '../http/responses.js';
import { Word } from '../http/word.js';

const ORDER = '-at';

export class AuditQuery extends PickType(PageQuery, ['limit', 'after']) {
  @Word('`user:<id>`, or `user:key_<prefix>` of a key without a user')
  actor?: string;

  @Word('An operationId, such as `cancelExecution`')
  action?: string;
}

@ApiTags('audit')
@Controller('api/v1/audit')
export class AuditController {
  constructor(private readonly catalog: Catalog) {}

  @Get()
  @Requires('audit:read')
  @ApiOperation({ operationId: 'listAudit', summary: 'Who did what, newest first; creates of executions say it in `created_by` of their first event' })
  @AnswersList('AuditEntry')
  @Problems()
  async list(@Caller() who: Principal, @Query() { actor, action, limit = 50, after }: AuditQuery): Promise<ListResource<AuditResource>> {
    checkWholeWorkspace(who, 'to see who did what in it');
    const { workspaceId } = who;
    const place = after === undefined ? undefined : placeIn(after, ORDER, 'after');
    const rows = await this.catalog.audit({ workspaceId, actor, action, limit: limit + 1, ...(place && { after: { at: Number(place.value), id: place.id } }) });
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const hasMore = rows.length > limit;
    return {
      object: 'list',
      data: page.map(({ workspace_id: _, at, ...entry }) => ({ object: 'audit_entry', ...entry, at: utc(at) })),
      has_more: hasMore,
      next_cursor: hasMore && last ? cursorOf(ORDER, { value: last.at, id: last.id }) : null,
      prev_cursor: null,
    };
  }
}

import type { ExecutionFilter, ExecutionResource, ExecutionView, ListResource, Reads } from '@runlog/contract';
import type { Catalog } from '@runlog/read-model';
import type { Principal } from '../auth/principal.js';
import { Answer } from '../http/answer.js';
import { cursorOf, type Place, placeIn } from '../http/cursor.js';
import { malformed, unknown } from '../http/problem.js';
import { executionRef, isUuid } from '../ids.js';
import { executionResource } from './execution-resource.js';
import type { ListQuery } from './list.dto.js';
import { type PinnedWorkflows, workflowRef } from './pinned-workflows.js';
import type { Presentation } from './presentation.js';

const PAGED_ROWS = 10_000;

/** Lists of executions: keyset pages, or pages by number up to 10,000 rows. */
export class Lists {
  constructor(
    private readonly reads: Reads,
    private readonly catalog: Catalog,
    private readonly workflows: PinnedWorkflows,
  ) {}

  async list(who: Principal, asked: ListQuery, how: Presentation): Promise<Answer> {
    const limit = asked.limit ?? 50;
    const order = asked.sort ?? '-created_at';
    if (asked.page !== undefined && (asked.after !== undefined || asked.before !== undefined))
      throw malformed('invalid_query', 'page', 'Expected a page or a cursor, but got both');
    if (asked.after !== undefined && asked.before !== undefined) throw malformed('invalid_query', 'before', 'Expected one cursor, but got both after and before');
    if (asked.page !== undefined && asked.page * limit > PAGED_ROWS)
      throw malformed('invalid_query', 'page', `Expected page x limit to be at most ${PAGED_ROWS}; go on with a cursor`);
    const filter = await this.filter(who, asked, order, limit);
    if (filter === null)
      return new Answer(200, {
        object: 'list',
        data: [],
        has_more: false,
        next_cursor: null,
        prev_cursor: null,
        ...(asked.page ? { meta: meta(asked.page, limit, 0, false) } : {}),
      });
    const page = await this.reads.executions(filter);
    const rows = await Promise.all(page.rows.map((row) => this.resource(who, row, how)));
    const edge = (row: ExecutionView | undefined) => (row ? cursorOf(order, placeOf(row, filter.sort)) : null);
    const more = asked.before === undefined ? page.hasMore : true;
    const earlier = asked.before === undefined ? asked.after !== undefined : page.hasMore;
    const body: ListResource<Partial<ExecutionResource>> = {
      object: 'list',
      data: rows,
      has_more: more && rows.length > 0,
      next_cursor: more ? edge(page.rows.at(-1)) : null,
      prev_cursor: earlier ? edge(page.rows[0]) : null,
      ...(asked.page === undefined ? {} : { meta: meta(asked.page, limit, page.total ?? 0, page.totalCapped ?? false) }),
    };
    return new Answer(200, body, { 'Runlog-Lag-Ms': String(Math.round(page.lagMs)) });
  }

  private async resource(who: Principal, row: ExecutionView, how: Presentation): Promise<Partial<ExecutionResource>> {
    const nodes = needsNodes(how);
    if (!nodes && !how.expand.has('template') && !how.fields?.has('template')) return executionResource(row, null, how);
    const found = nodes ? await this.reads.execution({ workspaceId: who.workspaceId, ref: row.id, nodes: true }) : null;
    return executionResource(found?.view ?? row, await this.workflows.version(row.workflow_version_id), how);
  }

  /** null: a filter names something that is not there, so that nothing can match. */
  private async filter(who: Principal, asked: ListQuery, order: string, limit: number): Promise<ExecutionFilter | null> {
    const podId = await this.pod(who, asked.pod_id);
    const workflowId = asked.workflow_id === undefined ? undefined : await this.workflowId(who, asked.workflow_id);
    const family = { parentExecutionId: idOf(asked.parent), retryOf: idOf(asked.retry_of), replayOf: idOf(asked.replay_of), agentId: idOf(asked.agent_id) };
    if (workflowId === null || Object.values(family).includes(null)) return null;
    const where = family as { [name: string]: string | undefined };
    return {
      workspaceId: who.workspaceId,
      ...defined({
        podId,
        workflowId,
        ...where,
        sessionId: asked.session_id,
        userId: asked.user_id,
        queueName: asked.queue_name,
        batchId: asked.batch_id,
        tag: asked.tag,
        q: asked.q,
      }),
      ...(asked.status?.length ? { statuses: asked.status } : {}),
      ...(asked.metadata ? { metadata: Object.fromEntries(asked.metadata) } : {}),
      ...(asked.created_after === undefined ? {} : { createdAfter: Date.parse(asked.created_after) }),
      ...(asked.created_before === undefined ? {} : { createdBefore: Date.parse(asked.created_before) }),
      sort: order.replace(/^-/, '') as ExecutionFilter['sort'],
      descending: order.startsWith('-'),
      limit,
      ...(asked.after === undefined ? {} : { after: placeIn(asked.after, order, 'after') }),
      ...(asked.before === undefined ? {} : { before: placeIn(asked.before, order, 'before') }),
      ...(asked.page === undefined ? {} : { offset: (asked.page - 1) * limit, withTotal: true }),
    };
  }

  private async pod(who: Principal, ref: string | undefined): Promise<string | undefined> {
    if (ref === undefined) return who.podId ?? undefined;
    const pod = await this.catalog.pod(who.workspaceId, ref);
    if (!pod || (who.podId !== null && pod.id !== who.podId)) throw unknown('pod', ref);
    return pod.id;
  }

  private async workflowId(who: Principal, ref: string): Promise<string | null> {
    const known = workflowRef(ref);
    return known === null ? null : ((await this.catalog.workflow(who.workspaceId, known))?.id ?? null);
  }
}

/** undefined: not asked; null: can't be the id of anything. */
const idOf = (ref: string | undefined): string | null | undefined => {
  if (ref === undefined) return undefined;
  const id = executionRef(ref);
  return id !== null && isUuid(id) ? id : null;
};

const needsNodes = ({ expand, fields }: Presentation): boolean =>
  expand.has('stats') || expand.has('execution_data') || (fields !== null && (fields.has('stats') || fields.has('execution_data')));

const meta = (page: number, limit: number, total: number, capped: boolean) => ({
  total,
  page,
  limit,
  total_pages: Math.ceil(total / limit),
  ...(capped ? { total_capped: true as const } : {}),
});

const defined = <Given extends object>(given: Given): Given => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Given;

const placeOf = (row: ExecutionView, sort: ExecutionFilter['sort']): Place => {
  if (sort === 'cost') return { value: row.cost_nano_usd, id: row.id };
  if (sort === 'duration_ms') return { value: row.started_at === null ? null : row.active_ms + row.suspended_ms, id: row.id };
  return { value: row[sort], id: row.id };
};

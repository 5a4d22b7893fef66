import type { ExecutionFilter, ExecutionView, Reads } from '@runlog/contract';
import type { Catalog } from '@runlog/read-model';
import type { Principal } from '../auth/principal.js';
import type { Page, Shown } from '../dialects/dialect.js';
import { Answer } from '../http/answer.js';
import { cursorOf, type Place, placeIn } from '../http/cursor.js';
import { malformed, unknown } from '../http/problem.js';
import { executionRef, slugRef, uuidOfKsuid } from '../ids.js';
import { agentIdOf, executionIdOf, workflowIdOf } from './filter-ids.js';
import type { ListQuery } from './list.dto.js';
import type { Presentation } from './presentation.js';
import { needsNodes, type Presenter } from './presenter.js';

const PAGED_ROWS = 10_000;

/** Lists of executions: keyset pages, or pages by number up to 10,000 rows. */
export class Lists {
  constructor(
    private readonly reads: Reads,
    private readonly catalog: Catalog,
    private readonly presenter: Presenter,
  ) {}

  /** `here`: the absolute URL that was asked for. */
  async list(who: Principal, given: ListQuery, how: Presentation, here: string): Promise<Answer> {
    const { name, listless, paging } = how.dialect;
    if (listless) throw malformed('no_list', 'dialect', `Expected a dialect that has a list of executions, but ${name} has none; ask with ?dialect=canonical`);
    const asked = paging?.numbered ? { ...given, page: given.page ?? 1, after: undefined, before: undefined } : given;
    const limit = asked.limit ?? paging?.limit ?? 50;
    const order = asked.sort ?? '-created_at';
    if (asked.page !== undefined && (asked.after !== undefined || asked.before !== undefined))
      throw malformed('invalid_query', 'page', 'Expected a page or a cursor, but got both');
    if (asked.after !== undefined && asked.before !== undefined) throw malformed('invalid_query', 'before', 'Expected one cursor, but got both after and before');
    if (asked.page !== undefined && asked.page * limit > PAGED_ROWS)
      throw malformed('invalid_query', 'page', `Expected page x limit to be at most ${PAGED_ROWS}; go on with a cursor`);
    const filter = await this.filter(who, asked, order, limit, how);
    const found = filter && (await this.reads.executions(filter));
    const { rows, hasMore, lagMs, total = 0, totalCapped = false } = found ?? { rows: [], hasMore: false, lagMs: 0 };
    const edge = (row: ExecutionView | undefined) => (row ? cursorOf(order, placeOf(row, orderedBy(order))) : null);
    const more = asked.before === undefined ? hasMore : true;
    const earlier = asked.before === undefined ? asked.after !== undefined || (asked.page ?? 1) > 1 : hasMore;
    const page: Page = {
      object: 'list',
      data: how.parts.size === 0 ? rows.map((row) => this.presenter.plain(row, how)) : await Promise.all(rows.map((row) => this.row(who, row, how))),
      has_more: more && rows.length > 0,
      next_cursor: more ? edge(rows.at(-1)) : null,
      prev_cursor: earlier ? edge(rows[0]) : null,
      ...(asked.page === undefined ? {} : { meta: meta(asked.page, limit, total, totalCapped) }),
      here,
    };
    const { body, headers } = how.dialect.list ? how.dialect.list(page) : { body: withoutHere(page) };
    return new Answer(200, body, { ...headers, 'Runlog-Lag-Ms': String(Math.round(lagMs)) });
  }

  private async row(who: Principal, row: ExecutionView, how: Presentation): Promise<Shown> {
    const found = needsNodes(how) ? await this.reads.execution({ workspaceId: who.workspaceId, ref: row.id, nodes: true }) : null;
    return this.presenter.row(found?.view ?? row, how);
  }

  /** null: a filter names something that is not there, so that nothing can match. */
  private async filter(who: Principal, asked: ListQuery, order: string, limit: number, how: Presentation): Promise<ExecutionFilter | null> {
    const place = (cursor: string | undefined, name: 'after' | 'before') => (cursor === undefined ? undefined : this.place(who, cursor, order, name, how));
    const [after, before] = await Promise.all([place(asked.after, 'after'), place(asked.before, 'before')]);
    const podId = await this.pod(who, asked.pod_id);
    const workflowId = await workflowIdOf(this.catalog, who.workspaceId, asked.workflow_id);
    const [parentExecutionId, retryOf, replayOf] = await Promise.all([asked.parent, asked.retry_of, asked.replay_of].map((ref) => executionIdOf(this.reads, who.workspaceId, ref)));
    const agentId = await agentIdOf(this.catalog, who.workspaceId, asked.agent_id);
    const family = { parentExecutionId, retryOf, replayOf, agentId };
    if (workflowId === null || Object.values(family).includes(null)) return null;
    const where = family as { [name: string]: string | undefined };
    return {
      workspaceId: who.workspaceId,
      ...defined({
        podId,
        workflowId,
        ...where,
        sessionId: asked.session_id,
        userId: asked.user_id === undefined ? undefined : (uuidOfKsuid(asked.user_id) ?? asked.user_id),
        queueName: asked.queue_name,
        batchId: asked.batch_id,
        tag: asked.tag,
        q: asked.q,
      }),
      ...(asked.status?.length ? { statuses: asked.status } : {}),
      ...(asked.metadata ? { metadata: Object.fromEntries(asked.metadata) } : {}),
      ...(asked.created_after === undefined ? {} : { createdAfter: Date.parse(asked.created_after) }),
      ...(asked.created_before === undefined ? {} : { createdBefore: Date.parse(asked.created_before) }),
      sort: orderedBy(order),
      descending: order.startsWith('-'),
      limit,
      ...defined({ after, before }),
      ...(asked.page === undefined ? {} : { offset: (asked.page - 1) * limit, withTotal: true }),
    };
  }

  /** Where a cursor points; in some dialects the id of an execution does too. */
  private async place(who: Principal, cursor: string, order: string, name: 'after' | 'before', { dialect }: Presentation): Promise<Place> {
    const ref = dialect.idsAreCursors ? executionRef(cursor) : null;
    const found = ref === null ? null : await this.reads.execution({ workspaceId: who.workspaceId, ref, nodes: false });
    return found && (who.podId === null || found.view.pod_id === who.podId) ? placeOf(found.view, orderedBy(order)) : placeIn(cursor, order, name);
  }

  private async pod(who: Principal, ref: string | undefined): Promise<string | undefined> {
    if (ref === undefined) return who.podId ?? undefined;
    const named = slugRef(ref);
    const pod = named === null ? null : await this.catalog.pod(who.workspaceId, named);
    if (!pod || (who.podId !== null && pod.id !== who.podId)) throw unknown('pod', ref);
    return pod.id;
  }
}

const orderedBy = (order: string): ExecutionFilter['sort'] => order.replace(/^-/, '') as ExecutionFilter['sort'];

const withoutHere = ({ here: _here, ...list }: Page): object => list;

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

import type {
  EventView,
  ExecutionFilter,
  ExecutionPage,
  ExecutionView,
  FramePage,
  GateFilter,
  GatePage,
  HeardView,
  KnownEffect,
  LogLine,
  LogQuery,
  NodeView,
  Reads,
  ReplayNode,
  SessionFilter,
  SessionPage,
  TurnFilter,
  TurnView,
  UsageFilter,
  UsagePage,
} from '@runlog/contract';
import type { EventLog } from '@runlog/event-log';
import { type Catalog, type Database, effectsOf, framesAfter, heardUpTo, knownEffect, type Sql, type StoredExecution, sessionsOf, turnsOf, viewOf } from '@runlog/read-model';
import { namesFrom } from '../projection/names.js';
import { storedPositions } from '../projection/position-store.js';
import type { Progress } from '../projection/progress.js';
import { countStatement, isSearched, MOST_COUNTED, pageStatement, rowsOf } from './execution-list.js';
import { foundIds } from './found-ids.js';
import { Freshening } from './freshness.js';
import { eventsAfter, type NodesOfRow, nodesOf, viewAtVersion, withNodes } from './history.js';
import type { Lag } from './lag.js';
import { logLines } from './logs.js';
import { openGates } from './open-gates.js';
import { asReplayNode, replayNodesOf, reusedNodes } from './reused-nodes.js';
import { StoredFrames } from './stored-frames.js';
import { treeOf } from './trees.js';
import { used } from './used.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** A list waits so long at most for the read models to be level with the log, and not at all when they are further behind. */
const LIST_WAIT_MS = 1_000;
const members = 'e.id, e.version, e.settled, e.live, e.output, t.count as log_count, t.last_line as last_log_line';
const source = 'from executions e left join execution_log_tips t on t.execution_id = e.id';

type Row = StoredExecution & NodesOfRow & { readonly id: string; readonly version: number };

/** Answers every question about executions from the read models. */
export class ReadsService implements Reads {
  readonly #fresh: Freshening;
  readonly #storedFrames: StoredFrames;
  readonly #namesOf;

  constructor(
    private readonly deps: {
      readonly database: Database;
      readonly log: EventLog;
      readonly catalog: Catalog;
      readonly progress: Progress;
      /** Of what agents say as they say it. */
      readonly framesProgress: Progress;
      readonly lag: Lag;
    },
  ) {
    this.#fresh = new Freshening(deps.log, deps.progress);
    this.#storedFrames = new StoredFrames(deps.log, deps.framesProgress);
    this.#namesOf = namesFrom(deps.catalog);
  }

  async execution({ workspaceId, ref, fresh, nodes, atVersion }: Parameters<Reads['execution']>[0]): ReturnType<Reads['execution']> {
    const wanted = fresh?.minVersion ?? 1;
    const { found, stale } = await this.#fresh.until(UUID.test(ref) ? ref : undefined, fresh, async () => {
      const row = await this.#row(workspaceId, ref, nodes);
      return { found: row, enough: row ? row.version >= wanted : fresh?.minVersion === undefined };
    });
    const lagMs = this.deps.lag.ms;
    if (!found) return null;
    if (atVersion !== undefined && atVersion < found.version) {
      const view = await viewAtVersion(this.#as(workspaceId), workspaceId, found.id, atVersion, await this.#namesOf(found.settled.workflow_version_id));
      if (!view) return null;
      // The trace belongs to the record on the log, not to the stored history.
      const { trace_id, traceparent } = viewOf(found);
      return {
        view: { ...view, trace_id, ...(traceparent === undefined ? {} : { traceparent }), nodes: nodes ? { ...view.nodes, ...(await this.#reused(view)) } : undefined },
        stale,
        lagMs,
      };
    }
    const view = viewOf(found);
    if (!nodes) return { view, stale, lagMs };
    const own = Object.fromEntries(nodesOf(found).map((node) => [node.node_id, node]));
    return { view: { ...view, nodes: { ...(await this.#reused(view)), ...own } }, stale, lagMs };
  }

  async executions(filter: ExecutionFilter): Promise<ExecutionPage> {
    const { database, lag } = this.deps;
    const count = countStatement(filter);
    const [rows, counted] = await this.#level(() => Promise.all([this.#page(filter), filter.withTotal ? database.query<{ total: number }>(count.text, count.values) : undefined]));
    const views = rows.slice(0, filter.limit).map(viewOf);
    const total = counted?.[0]?.total;
    return {
      rows: filter.before ? views.reverse() : views,
      hasMore: rows.length > filter.limit,
      ...(total !== undefined && { total: Math.min(total, MOST_COUNTED), totalCapped: total > MOST_COUNTED }),
      lagMs: lag.ms,
    };
  }

  async events({ workspaceId, executionId, after, limit, fresh }: Parameters<Reads['events']>[0]): Promise<readonly EventView[]> {
    if (!UUID.test(executionId)) return [];
    const { found } = await this.#fresh.until(executionId, fresh, async () => {
      const events = await eventsAfter(this.#as(workspaceId), workspaceId, executionId, after, limit);
      const last = events.at(-1)?.version ?? after;
      return { found: events, enough: events.length === limit || last >= (fresh?.minVersion ?? 0) };
    });
    return found;
  }

  async logs(ask: LogQuery): Promise<readonly LogLine[]> {
    if (!UUID.test(ask.executionId)) return [];
    await this.#storedFrames.level(ask.executionId);
    return logLines(this.#as(ask.workspaceId), ask);
  }

  async frames({ workspaceId, executionId, after, limit, fresh }: Parameters<Reads['frames']>[0]): Promise<FramePage> {
    if (!UUID.test(executionId)) return { frames: [], storedTo: 0 };
    const storedTo = await this.#storedFrames.to(executionId, fresh);
    return { frames: await framesAfter(this.#as(workspaceId), { workspaceId, executionId, after, limit }), storedTo };
  }

  async heard(ask: Parameters<Reads['heard']>[0]): Promise<readonly HeardView[]> {
    return UUID.test(ask.executionId) ? heardUpTo(this.#as(ask.workspaceId), ask) : [];
  }

  async nodes({ workspaceId, executionId, fresh }: Parameters<Reads['nodes']>[0]): Promise<readonly NodeView[] | null> {
    const answer = await this.execution({ workspaceId, ref: executionId, fresh, nodes: true });
    return answer && Object.values(answer.view.nodes ?? {});
  }

  async gates(filter: GateFilter): Promise<GatePage> {
    const { database, lag } = this.deps;
    return { ...(await this.#level(() => openGates(database.tenant(filter.workspaceId), filter))), lagMs: lag.ms };
  }

  tree({ workspaceId, executionId }: Parameters<Reads['tree']>[0]): ReturnType<Reads['tree']> {
    return UUID.test(executionId) ? treeOf(this.#as(workspaceId), workspaceId, executionId) : Promise.resolve(null);
  }

  async usage(filter: UsageFilter): Promise<UsagePage> {
    const { database, lag } = this.deps;
    return { ...(await this.#level(() => used(database.tenant(filter.workspaceId), filter))), lagMs: lag.ms };
  }

  async sessions(filter: SessionFilter): Promise<SessionPage> {
    const { database, lag } = this.deps;
    return { ...(await this.#level(() => sessionsOf(database.tenant(filter.workspaceId), filter))), lagMs: lag.ms };
  }

  turns(filter: TurnFilter): Promise<readonly TurnView[]> {
    return this.#level(() => turnsOf(this.#as(filter.workspaceId), filter));
  }

  async replayNodes({ workspaceId, executionId, atVersion, branching, costing = [] }: Parameters<Reads['replayNodes']>[0]): Promise<readonly ReplayNode[] | null> {
    const row = await this.#row(workspaceId, executionId, false);
    if (!row) return null;
    if (atVersion === undefined || atVersion >= row.version)
      return replayNodesOf(this.#as(workspaceId), executionId, { branching, costing, isReplay: row.settled.replay_of !== null });
    const view = await viewAtVersion(this.#as(workspaceId), workspaceId, executionId, atVersion, await this.#namesOf(row.settled.workflow_version_id));
    return Object.values(view?.nodes ?? {}).map(asReplayNode);
  }

  async effects({ workspaceId, executionId, nodes }: Parameters<Reads['effects']>[0]): Promise<readonly KnownEffect[]> {
    const row = nodes.length > 0 ? await this.#row(workspaceId, executionId, false) : undefined;
    return row ? ((await effectsOf(this.#as(workspaceId), executionId, nodes)) ?? []).map(knownEffect) : [];
  }

  async positions(): ReturnType<Reads['positions']> {
    const { database, log } = this.deps;
    const rows = new Map((await storedPositions(database, 'executions')).map(({ updated_at: _, generation: __, ...position }) => [position.partition, position]));
    const partitions = Array.from({ length: log.partitions('execution-events') }, (_, partition) => partition);
    return Promise.all(
      partitions.map(
        async (partition) =>
          rows.get(partition) ?? { topicId: await log.topicId('execution-events'), partition, offset: await log.begin('execution-events', partition), claim: -1, previous: '' },
      ),
    );
  }

  async #level<Found>(look: () => Promise<Found>): Promise<Found> {
    const { ms } = this.deps.lag;
    return ms < LIST_WAIT_MS ? this.#fresh.level(look, ms === 0, AbortSignal.timeout(LIST_WAIT_MS)) : look();
  }

  /** By id, each with its output. */
  async #reused({ id, replay_of, version, workspace_id }: ExecutionView): Promise<{ [node: string]: NodeView }> {
    if (replay_of === null) return {};
    return Object.fromEntries((await reusedNodes(this.#as(workspace_id), id, version)).map((node) => [node.node_id, node]));
  }

  /** Row-level security keeps PostgreSQL from the indexes that search in tags, metadata and names: the ids are found without it, the rows read under it. */
  async #page(filter: ExecutionFilter): Promise<StoredExecution[]> {
    const tenant = this.#as(filter.workspaceId);
    if (!isSearched(filter)) {
      const page = pageStatement(filter);
      return tenant.query<StoredExecution>(page.text, page.values, page.name);
    }
    const named = rowsOf(filter, await foundIds(this.deps.database, filter));
    return tenant.query<StoredExecution>(named.text, named.values);
  }

  #as(workspaceId: string): Sql {
    return this.deps.database.tenant(workspaceId);
  }

  async #row(workspaceId: string, ref: string, nodes: boolean): Promise<Row | undefined> {
    const column = UUID.test(ref) ? 'id' : ref.includes('_') ? 'key' : 'hashid';
    const [row] = await this.#as(workspaceId).query<Row>(
      `select ${members}${nodes ? `, ${withNodes}` : ''} ${source} where e.workspace_id = $1 and e.${column} = $2`,
      [workspaceId, ref],
      `execution-by-${column}${nodes ? '-with-nodes' : ''}`,
    );
    return row;
  }
}

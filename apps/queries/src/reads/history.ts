import type { EventView, ExecutionView, NodeView } from '@runlog/contract';
import { type EventRow, eventRowColumns, eventsOf, foldView, type NodeNames, recordedOf, type Sql } from '@runlog/read-model';

/** Its next events, at most `limit`. */
export const eventsAfter = async (sql: Sql, workspaceId: string, executionId: string, after: number, limit: number): Promise<EventView[]> => {
  const rows = await sql.query<EventRow<string>>(
    `select ${eventRowColumns} from execution_events
     where execution_id = $2 and workspace_id = $1 and version > $3 and coalesce(first, version) <= $3::bigint + $4 order by version`,
    [workspaceId, executionId, after, limit],
    'events-after',
  );
  return rows.flatMap(eventsOf).filter(({ version }) => version > after && version <= after + limit);
};

const PAGE = 1_000;

/** The view as it stood after event `version`: folded from the stored history. undefined: there is no such event. */
export const viewAtVersion = async (sql: Sql, workspaceId: string, executionId: string, version: number, names: NodeNames): Promise<ExecutionView | undefined> => {
  let view: ExecutionView | undefined;
  for (;;) {
    const at = view?.version ?? 0;
    const events = await eventsAfter(sql, workspaceId, executionId, at, Math.min(PAGE, version - at));
    for (const event of events) view = foldView(view, recordedOf(event), names);
    if (view?.version === version || events.length === 0) break;
  }
  return view?.version === version ? view : undefined;
};

/** The stored history up to event `version`, page by page. */
export async function* allEventsUpTo(sql: Sql, workspaceId: string, executionId: string, version: number): AsyncGenerator<EventView> {
  for (let after = 0; after < version; ) {
    const events = await eventsAfter(sql, workspaceId, executionId, after, Math.min(PAGE, version - after));
    yield* events;
    after = events.at(-1)?.version ?? version;
  }
}

interface NodeRow {
  readonly state: NodeView;
  readonly output: NodeView['output'];
}

interface LateReportRow {
  readonly node_id: string;
  readonly attempt: number;
  readonly at: number;
  readonly report: string;
  readonly because: string;
}

/** What a row of `executions` is read with, so that its nodes come from the same instant. */
export const withNodes = `(select json_agg(json_build_object('state', n.state, 'output', n.output)) from execution_nodes n where n.execution_id = e.id) as nodes,
  (select json_agg(l) from execution_late_reports l where l.execution_id = e.id) as late_reports`;

export interface NodesOfRow {
  readonly nodes?: readonly NodeRow[] | null;
  readonly late_reports?: readonly LateReportRow[] | null;
}

/** Every node that something happened to, with late reports where they belong, in the order in which they were first scheduled. */
export const nodesOf = ({ nodes, late_reports }: NodesOfRow): NodeView[] => {
  const late = new Map((late_reports ?? []).map((report) => [`${report.node_id}.${report.attempt}`, report]));
  return (nodes ?? [])
    .map(
      ({ state, output }): NodeView => ({
        ...state,
        output,
        attempts: state.attempts.map((attempt) => {
          const report = late.get(`${state.node_id}.${attempt.attempt}`);
          return report ? { ...attempt, late_report: { at: report.at, report: report.report, because: report.because } } : attempt;
        }),
      }),
    )
    .sort((a, b) => (a.scheduled_at ?? Infinity) - (b.scheduled_at ?? Infinity) || (a.node_id < b.node_id ? -1 : 1));
};

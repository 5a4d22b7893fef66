import type { ExecutionView } from '@runlog/contract';
import { AcceptedEvents, type EventLog } from '@runlog/event-log';
import { type Catalog, type Database, digestOf, foldView, type StoredExecution, viewOf } from '@runlog/read-model';
import { namesFrom } from './projection/names.js';
import { storedPositions } from './projection/position-store.js';
import { type NodesOfRow, nodesOf, withNodes } from './reads/history.js';

/** An execution whose rows are not the fold of its events. */
export interface Drift {
  readonly executionId: string;
  readonly because: string;
}

export interface VerifyOptions {
  readonly log: EventLog;
  readonly database: Database;
  readonly catalog: Catalog;
  /** Only this workspace's; default: all. */
  readonly workspaceId?: string;
}

interface Refolded {
  view: ExecutionView;
  /** SHA chain of ids, so that the stored history can be compared without holding it. */
  readonly ids: string[];
}

const AT_ONCE = 200;

/**
 * Refolds executions from the log and compares canonical JSON hashes with what is stored (invariant I5): the row, its nodes and the ids of
 * its history. Reads each partition up to where the projection stood when it was reached, so that it may run on a live system; an
 * execution that moved on meanwhile is folded to the same version. Holds one partition's views in memory.
 */
export const verifyReadModel = async ({ log, database, catalog, workspaceId }: VerifyOptions): Promise<{ checked: number; drift: Drift[] }> => {
  const namesOf = namesFrom(catalog);
  const drift: Drift[] = [];
  let checked = 0;
  for (const { partition, offset } of await storedPositions(database, 'executions')) {
    const refolded = new Map<string, Refolded>();
    const accepting = new AcceptedEvents();
    for await (const records of log.read('execution-events', partition, await log.begin('execution-events', partition), offset)) {
      for (const record of records) {
        const event = accepting.accept(record)?.event;
        if (!event || (workspaceId !== undefined && event.workspaceId !== workspaceId)) continue;
        const known = refolded.get(event.executionId);
        const versionId = known?.view.workflow_version_id ?? (event.type === 'ExecutionCreated' ? event.data.workflow_version_id : '');
        const view = foldView(known?.view, event, await namesOf(versionId));
        if (known) known.ids.push(event.id);
        else refolded.set(event.executionId, { view, ids: [event.id] });
      }
    }
    const ids = [...refolded.keys()];
    for (let i = 0; i < ids.length; i += AT_ONCE) drift.push(...(await compare(database, ids.slice(i, i + AT_ONCE), refolded)));
    checked += ids.length;
  }
  return { checked, drift };
};

type Row = StoredExecution & NodesOfRow & { readonly id: string; readonly version: number; readonly ids: readonly string[] };

const compare = async (database: Database, ids: readonly string[], refolded: ReadonlyMap<string, Refolded>): Promise<Drift[]> => {
  const rows = await database.query<Row>(
    `select e.id, e.version, e.settled, e.live, e.output, ${withNodes}, (select array_agg(v.id order by v.version) from execution_events v where v.execution_id = e.id) as ids
     from executions e where e.id = any($1::uuid[])`,
    [ids],
  );
  const stored = new Map(rows.map((row) => [row.id, row]));
  const quarantined = new Set((await database.query<{ id: string }>(`select execution_id as id from projection_quarantine where execution_id = any($1)`, [ids])).map(({ id }) => id));
  return ids.flatMap((executionId) => {
    const { view, ids: chain } = refolded.get(executionId) as Refolded;
    const row = stored.get(executionId);
    if (quarantined.has(executionId)) return [{ executionId, because: 'it is quarantined' }];
    if (!row) return [{ executionId, because: 'it has no row' }];
    if (row.version > view.version) return [];
    const folded = comparable(view, Object.values(view.nodes ?? {}));
    const kept = comparable(viewOf(row), withoutLateReports(nodesOf(row)));
    if (digestOf(folded) !== digestOf(kept)) return [{ executionId, because: firstDifference(folded, kept) }];
    if (chain.join() !== (row.ids ?? []).join()) return [{ executionId, because: 'its stored history is not that of the log' }];
    return [];
  });
};

type Comparable = { readonly [member: string]: unknown };

/** What events alone decide: lines and late reports come from frames. */
const comparable = ({ log_count: _count, last_log_line: _line, nodes: _nodes, ...view }: ExecutionView, nodes: readonly { readonly node_id: string }[]): Comparable => ({
  ...view,
  nodes: Object.fromEntries(nodes.map((node) => [node.node_id, node])),
});

const withoutLateReports = (nodes: ReturnType<typeof nodesOf>): ReturnType<typeof nodesOf> =>
  nodes.map((node) => ({ ...node, attempts: node.attempts.map((attempt) => ({ ...attempt, late_report: null })) }));

const firstDifference = (folded: Comparable, kept: Comparable): string => {
  const member = Object.keys(folded).find((name) => digestOf(folded[name]) !== digestOf(kept[name])) ?? 'something';
  const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 200);
  return `'${member}' is ${shown(kept[member])} but the log gives ${shown(folded[member])}`;
};

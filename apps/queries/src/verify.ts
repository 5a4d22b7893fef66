import type { ExecutionView, NodeView } from '@runlog/contract';
import { AcceptedEvents, type DecodedEvent, type EventLog, isClaim } from '@runlog/event-log';
import { type Catalog, type Database, digestOf, foldView, type StoredExecution, viewOf } from '@runlog/read-model';
import { namesFrom } from './projection/names.js';
import type { NamesOf } from './projection/partition-projection.js';
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
  readonly view: ExecutionView;
  /** Ids of its events: a hash chain, so that equal ids mean an equal history. */
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
  const unexplained = await idsOfRows(database, workspaceId);
  let checked = 0;
  for (const { partition, offset } of await storedPositions(database, 'executions')) {
    const refolded = new Map<string, Refolded>();
    const broken = new Map<string, string>();
    const accepting = new AcceptedEvents();
    for await (const records of log.read('execution-events', partition, await log.begin('execution-events', partition), offset)) {
      for (const record of records) {
        if (broken.has(record.key) && !isClaim(record)) continue;
        try {
          const event = accepting.accept(record)?.event;
          if (event && (workspaceId === undefined || event.workspaceId === workspaceId)) await refold(refolded, event, namesOf);
        } catch (cause) {
          broken.set(record.key, cause instanceof Error ? cause.message : String(cause));
          refolded.delete(record.key);
        }
      }
    }
    for (const [executionId, because] of broken) {
      drift.push({ executionId, because });
      unexplained.delete(executionId);
    }
    const ids = [...refolded.keys()];
    for (const id of ids) unexplained.delete(id);
    for (let i = 0; i < ids.length; i += AT_ONCE) drift.push(...(await compare(database, ids.slice(i, i + AT_ONCE), refolded)));
    checked += ids.length + broken.size;
  }
  for (const executionId of unexplained) drift.push({ executionId, because: 'it has a row, but the log does not know it' });
  return { checked, drift };
};

const refold = async (refolded: Map<string, Refolded>, event: DecodedEvent, namesOf: NamesOf): Promise<void> => {
  const known = refolded.get(event.executionId);
  const versionId = known?.view.workflow_version_id ?? (event.type === 'ExecutionCreated' ? event.data.workflow_version_id : '');
  const view = foldView(known?.view, event, await namesOf(versionId));
  if (known) known.ids.push(event.id);
  else refolded.set(event.executionId, { view, ids: [event.id] });
};

/** Looked up before the log is read: whatever has a row by then must be on the log. */
const idsOfRows = async (database: Database, workspaceId: string | undefined): Promise<Set<string>> => {
  const rows = await database.query<{ id: string }>('select id from executions where $1::uuid is null or workspace_id = $1', [workspaceId ?? null]);
  return new Set(rows.map(({ id }) => id));
};

type Row = StoredExecution & NodesOfRow & { readonly id: string; readonly version: number; readonly ids: readonly string[] };

const compare = async (database: Database, ids: readonly string[], refolded: ReadonlyMap<string, Refolded>): Promise<Drift[]> => {
  const rows = await database.query<Row>(
    `select e.id, e.version, e.settled, e.live, e.output, ${withNodes}, (select array_agg(v.id order by v.version) from execution_events v where v.execution_id = e.id) as ids
     from executions e where e.id = any($1::uuid[])`,
    [ids],
  );
  const stored = new Map(rows.map((row) => [row.id, row]));
  const quarantined = new Set(
    (await database.query<{ id: string }>(`select execution_id as id from projection_quarantine where execution_id = any($1)`, [ids])).map(({ id }) => id),
  );
  return ids.flatMap((executionId) => {
    const { view, ids: chain } = refolded.get(executionId) as Refolded;
    const row = stored.get(executionId);
    if (quarantined.has(executionId)) return [{ executionId, because: 'it is quarantined' }];
    if (!row) return [{ executionId, because: 'it has no row' }];
    if (row.version > view.version) return [];
    const folded = comparable(view, Object.values(view.nodes ?? {}).filter(hasRow));
    const kept = comparable(viewOf(row), withoutLateReports(nodesOf(row)));
    if (digestOf(folded) !== digestOf(kept)) return [{ executionId, because: firstDifference(folded, kept) }];
    if (chain.join() !== (row.ids ?? []).join()) return [{ executionId, because: 'its stored history is not that of the log' }];
    return [];
  });
};

/** A reused node's row is where it ran. */
const hasRow = ({ reused_from }: NodeView): boolean => reused_from === null;

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

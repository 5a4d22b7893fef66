import type { EventView, ExecutionView } from '@runlog/contract';
import { chainId } from '@runlog/event-log';
import { type Database, digestOf, type EventRow, eventsOf } from '@runlog/read-model';
import { rowsOf } from '../projection/write-changes.js';
import type { Drift } from './drift.js';

/** An execution as the log gives it. */
export interface Refolded {
  readonly view: ExecutionView;
  /** Ids of its events: a hash chain, so that equal ids mean an equal history. */
  readonly ids: string[];
  /** Of the bodies that they refer to. */
  readonly digests: Set<string>;
}

type Row = Readonly<Record<string, unknown>>;
type Stored = Row & {
  readonly version: number;
  readonly node_rows: Row[] | null;
  readonly gate_rows: Row[] | null;
  readonly event_rows: EventRow<string>[] | null;
  readonly digests: string[] | null;
  readonly quarantined: boolean;
};

/** Compares every row of some executions with what the projection would write for them. Rows of one execution come from one instant. */
export const compare = async (database: Database, ids: readonly string[], refolded: ReadonlyMap<string, Refolded>): Promise<Drift[]> => {
  const rows = await database.query<Stored & { id: string }>(
    `select e.*,
      (select json_agg(n) from execution_nodes n where n.execution_id = e.id) as node_rows,
      (select json_agg(g) from gates g where g.execution_id = e.id) as gate_rows,
      (select json_agg(r.digest order by r.digest) from body_references r where r.execution_id = e.id) as digests,
      (select json_agg(v order by v.version) from execution_events v where v.execution_id = e.id) as event_rows
     from executions e where e.id = any($1::uuid[])`,
    [ids.filter(isUuid)],
    'verify-rows',
  );
  const stored = new Map(rows.map((row) => [row.id, row]));
  const quarantined = new Set(
    (await database.query<{ id: string }>('select execution_id as id from projection_quarantine where execution_id = any($1)', [ids])).map(({ id }) => id),
  );
  return ids.flatMap((executionId) => {
    const because = quarantined.has(executionId) ? 'it is quarantined' : whatDiffers(refolded.get(executionId) as Refolded, stored.get(executionId));
    return because === undefined ? [] : [{ executionId, because }];
  });
};

const isUuid = (id: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id);

/** undefined: nothing, or the execution has moved on since the log was read. */
const whatDiffers = ({ view, ids, digests }: Refolded, row: Stored | undefined): string | undefined => {
  if (!row) return 'it has no row';
  if (row.version > view.version) return undefined;
  const folded = rowsOf(view);
  const expected = { ...folded.execution, nodes: by('node_id', folded.nodes), gates: by('gate_id', folded.gates) };
  const kept = { ...pick(row, folded.execution), nodes: by('node_id', row.node_rows ?? []), gates: by('gate_id', row.gate_rows ?? []) };
  if (digestOf(expected) !== digestOf(kept)) return firstDifference(expected, kept);
  if ((row.digests ?? []).join() !== [...digests].sort().join()) return 'the bodies that it is said to refer to are not those of the log';
  const events = eventsIn(row.event_rows ?? []);
  if (!events) return 'its stored history cannot be read';
  if (events.map(({ id }) => id).join() !== ids.join()) return 'its stored history is not that of the log';
  const altered = events.find((event) => event.id !== idOf(event));
  return altered && `version ${altered.version} of its stored history was altered`;
};

const eventsIn = (rows: readonly EventRow<string>[]): EventView[] | undefined => {
  try {
    return rows.flatMap(eventsOf);
  } catch {
    return undefined;
  }
};

const by = (name: string, rows: readonly Row[]): Record<string, Row> => Object.fromEntries(rows.map((row) => [`=${String(row[name])}`, row]));

const pick = (row: Row, like: Row): Row => Object.fromEntries(Object.keys(like).map((name) => [name, row[name] ?? null]));

const idOf = (event: EventView): string =>
  chainId({
    previous: event.previous,
    executionId: event.execution_id,
    version: event.version,
    type: event.type,
    schemaVersion: event.schema_version,
    commandId: event.command_id,
    commandOffset: event.command_offset,
    workspaceId: event.workspace_id,
    at: event.at,
    value: event.value,
  });

const isObject = (value: unknown): value is Row => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The innermost member that differs, by its path. */
const firstDifference = (expected: unknown, kept: unknown, path: readonly string[] = []): string => {
  if (isObject(expected) && isObject(kept)) {
    const member = [...new Set([...Object.keys(expected), ...Object.keys(kept)])].find((name) => digestOf(expected[name]) !== digestOf(kept[name]));
    if (member !== undefined) return firstDifference(expected[member], kept[member], [...path, member.replace(/^=/, '')]);
  }
  const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 200);
  return `'${path.join('.')}' is ${shown(kept)} but the log gives ${shown(expected)}`;
};

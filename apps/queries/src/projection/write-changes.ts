import type { ExecutionView, GateView, NodeView } from '@runlog/contract';
import type { DecodedEvent, Position } from '@runlog/event-log';
import { type Json, referencesIn } from '@runlog/execution';
import { type EventRow, eventRows, indexedTerm, liveJson, metadataTerm, nodeStateJson, openGatesOf, type Sql, settledJson } from '@runlog/read-model';
import type { Accounts, Settlement, SpendingRow } from './accounts.js';
import type { Changes, Touched } from './changes.js';
import { type Column, columnar, names, rowOf, selected, unnested } from './columns.js';
import type { StoredPosition } from './position-store.js';
import type { Usage, UsageRow } from './usage.js';

const durationOf = (view: ExecutionView): number | null => (view.started_at === null ? null : view.active_ms + view.suspended_ms);
const termsOf = (metadata: { readonly [key: string]: Json }): string[] =>
  Object.entries(metadata).flatMap(([key, value]) => (value !== null && typeof value === 'object' ? [] : [metadataTerm(key, String(value))]));

/** Columns that change with events: what an update sets. */
const liveColumns: readonly Column<Touched>[] = [
  { name: 'id', type: 'uuid', of: ({ view }) => view.id },
  { name: 'version', type: 'integer', of: ({ view }) => view.version },
  { name: 'status', type: 'text', of: ({ view }) => view.status },
  { name: 'started_at', type: 'bigint', of: ({ view }) => view.started_at },
  { name: 'completed_at', type: 'bigint', of: ({ view }) => view.completed_at },
  { name: 'duration_ms', type: 'bigint', of: ({ view }) => durationOf(view) },
  { name: 'cost_nano_usd', type: 'bigint', of: ({ view }) => view.cost_nano_usd },
  { name: 'live', type: 'json', of: ({ view }) => liveJson(view) },
  { name: 'output', type: 'json', of: ({ view, outputChanged }) => (outputChanged ? JSON.stringify(view.output) : null) },
];

const createdColumns: readonly Column<Touched>[] = [
  ...liveColumns,
  { name: 'workspace_id', type: 'uuid', of: ({ view }) => view.workspace_id },
  { name: 'pod_id', type: 'text', of: ({ view }) => view.pod_id },
  { name: 'workflow_id', type: 'uuid', of: ({ view }) => view.workflow_id },
  { name: 'hashid', type: 'text', of: ({ view }) => view.hashid },
  { name: 'key', type: 'text', of: ({ view }) => view.key },
  { name: 'name', type: 'text', of: ({ view }) => view.name },
  { name: 'agent_id', type: 'text', of: ({ view }) => view.agent_id },
  { name: 'session_id', type: 'text', of: ({ view }) => view.session_id },
  { name: 'user_id', type: 'text', of: ({ view }) => view.user_id },
  { name: 'queue_name', type: 'text', of: ({ view }) => view.queue_name },
  { name: 'concurrency_key', type: 'text', of: ({ view }) => view.concurrency_key },
  { name: 'priority', type: 'bigint', of: ({ view }) => Math.round(view.priority) },
  { name: 'batch_id', type: 'text', of: ({ view }) => view.batch_id },
  { name: 'parent_execution_id', type: 'text', of: ({ view }) => view.parent_execution_id },
  { name: 'retry_of', type: 'text', of: ({ view }) => view.retry_of },
  { name: 'replay_of', type: 'text', of: ({ view }) => view.replay_of },
  { name: 'tags', type: 'text[]', of: ({ view }) => view.tags.map(indexedTerm) },
  { name: 'metadata_terms', type: 'text[]', of: ({ view }) => termsOf(view.metadata) },
  { name: 'created_at', type: 'bigint', of: ({ view }) => view.created_at },
  { name: 'settled', type: 'json', of: ({ view }) => settledJson(view) },
];

interface ChangedNode {
  readonly executionId: string;
  readonly node: NodeView;
  readonly outputChanged: boolean;
}

const nodeColumns: readonly Column<ChangedNode>[] = [
  { name: 'execution_id', type: 'uuid', of: ({ executionId }) => executionId },
  { name: 'node_id', type: 'text', of: ({ node }) => node.node_id },
  { name: 'status', type: 'text', of: ({ node }) => node.status },
  { name: 'state', type: 'json', of: ({ node }) => nodeStateJson(node) },
  { name: 'output', type: 'json', of: ({ node, outputChanged }) => (outputChanged ? JSON.stringify(node.output) : null) },
];

const eventColumns: readonly Column<EventRow>[] = [
  { name: 'execution_id', type: 'uuid', of: (row) => row.execution_id },
  { name: 'first', type: 'integer', of: (row) => row.first },
  { name: 'version', type: 'integer', of: (row) => row.version },
  { name: 'id', type: 'text', of: (row) => row.id },
  { name: 'type', type: 'text', of: (row) => row.type },
  { name: 'schema_version', type: 'integer', of: (row) => row.schema_version },
  { name: 'at', type: 'bigint', of: (row) => row.at },
  { name: 'previous', type: 'text', of: (row) => row.previous },
  { name: 'command_id', type: 'text', of: (row) => row.command_id },
  { name: 'command_offset', type: 'bigint', of: (row) => row.command_offset },
  { name: 'workspace_id', type: 'uuid', of: (row) => row.workspace_id },
  { name: 'value', type: 'text', of: (row) => row.value },
];

interface ChangedGate {
  readonly view: ExecutionView;
  readonly gate: GateView;
}

const goneGateColumns: readonly Column<ChangedGate>[] = [
  { name: 'execution_id', type: 'uuid', of: ({ view }) => view.id },
  { name: 'gate_id', type: 'text', of: ({ gate }) => gate.id },
];

const gateColumns: readonly Column<ChangedGate>[] = [
  ...goneGateColumns,
  { name: 'workspace_id', type: 'uuid', of: ({ view }) => view.workspace_id },
  { name: 'pod_id', type: 'text', of: ({ view }) => view.pod_id },
  { name: 'workflow_id', type: 'uuid', of: ({ view }) => view.workflow_id },
  { name: 'execution_key', type: 'text', of: ({ view }) => view.key },
  { name: 'node_id', type: 'text', of: ({ gate }) => gate.node_id },
  { name: 'kind', type: 'text', of: ({ gate }) => gate.kind },
  { name: 'requested_at', type: 'bigint', of: ({ gate }) => gate.requested_at },
  { name: 'gate', type: 'json', of: ({ gate }) => JSON.stringify(gate) },
];

const usageColumns: readonly Column<UsageRow>[] = [
  { name: 'day', type: 'date', of: (row) => row.day },
  { name: 'workspace_id', type: 'uuid', of: (row) => row.workspaceId },
  { name: 'workflow_id', type: 'uuid', of: (row) => row.workflowId },
  { name: 'agent_id', type: 'text', of: (row) => row.agentId },
  { name: 'model', type: 'text', of: (row) => row.model },
  { name: 'partition', type: 'integer', of: (row) => row.partition },
  { name: 'created', type: 'bigint', of: (row) => row.created },
  { name: 'completed', type: 'bigint', of: (row) => row.completed },
  { name: 'failed', type: 'bigint', of: (row) => row.failed },
  { name: 'cancelled', type: 'bigint', of: (row) => row.cancelled },
  { name: 'rejected', type: 'bigint', of: (row) => row.rejected },
  { name: 'steps', type: 'bigint', of: (row) => row.steps },
  { name: 'active_ms', type: 'bigint', of: (row) => row.activeMs },
  { name: 'agent_actions', type: 'bigint', of: (row) => row.agentActions },
  { name: 'model_calls', type: 'bigint', of: (row) => row.modelCalls },
  { name: 'unpriced_calls', type: 'bigint', of: (row) => row.unpricedCalls },
  { name: 'input_tokens', type: 'bigint', of: (row) => row.input },
  { name: 'cache_read_tokens', type: 'bigint', of: (row) => row.cacheRead },
  { name: 'cache_write_tokens', type: 'bigint', of: (row) => row.cacheWrite },
  { name: 'output_tokens', type: 'bigint', of: (row) => row.output },
  { name: 'reasoning_tokens', type: 'bigint', of: (row) => row.reasoning },
  { name: 'cost_nano_usd', type: 'bigint', of: (row) => row.costNanoUsd.toString() },
];
const usageKey = ['workspace_id', 'day', 'workflow_id', 'agent_id', 'model', 'partition'];
const usageCounts = usageColumns.map(({ name }) => name).filter((name) => !usageKey.includes(name));

const spendingColumns: readonly Column<SpendingRow>[] = [
  { name: 'account', type: 'text', of: (row) => row.account },
  { name: 'day', type: 'date', of: (row) => row.day },
  { name: 'partition', type: 'integer', of: (row) => row.partition },
  { name: 'workspace_id', type: 'uuid', of: (row) => row.workspaceId },
  { name: 'spent_nano_usd', type: 'bigint', of: (row) => row.spentNanoUsd.toString() },
];

const settlementColumns: readonly Column<Settlement>[] = [
  { name: 'execution_id', type: 'uuid', of: ({ executionId }) => executionId },
  { name: 'node_id', type: 'text', of: ({ node }) => node },
  { name: 'attempt', type: 'integer', of: ({ attempt }) => attempt },
  { name: 'key', type: 'text', of: ({ key }) => key },
];

interface Referring {
  readonly event: DecodedEvent;
  readonly digest: string;
}

const referenceColumns: readonly Column<Referring>[] = [
  { name: 'workspace_id', type: 'uuid', of: ({ event }) => event.workspaceId },
  { name: 'digest', type: 'text', of: ({ digest }) => digest },
  { name: 'execution_id', type: 'uuid', of: ({ event }) => event.executionId },
];

const FIRST = 8;
const changedFrom = FIRST + createdColumns.length;
const nodesFrom = changedFrom + liveColumns.length;
const eventsFrom = nodesFrom + nodeColumns.length;
const usageFrom = eventsFrom + eventColumns.length;
const gatesFrom = usageFrom + usageColumns.length;
const goneGatesFrom = gatesFrom + gateColumns.length;
const referencesFrom = goneGatesFrom + goneGateColumns.length;
const spendingFrom = referencesFrom + referenceColumns.length;
const settlementsFrom = spendingFrom + spendingColumns.length;
const generationAt = settlementsFrom + settlementColumns.length;

/** One statement, hence one transaction and one round trip: nothing is written unless the compare-and-set of the progress is won. */
const statement = `
with won as (
  update projection_progress set "offset" = $4, claim = $5, previous = $6, updated_at = $7
  where projection = 'executions' and partition = $1 and topic_id = $2 and "offset" = $3 and generation = $${generationAt} returning 1
), created as (
  insert into executions (${names(createdColumns)}) select ${selected(createdColumns)} from ${unnested(createdColumns, FIRST)} where exists (select from won)
), changed as (
  update executions e set version = r.version, status = r.status, started_at = r.started_at, completed_at = r.completed_at, duration_ms = r.duration_ms,
    cost_nano_usd = r.cost_nano_usd, live = r.live, output = coalesce(r.output, e.output)
  from ${unnested(liveColumns, changedFrom)} where e.id = r.id and exists (select from won)
), nodes as (
  insert into execution_nodes as n (${names(nodeColumns)}) select ${selected(nodeColumns)} from ${unnested(nodeColumns, nodesFrom)} where exists (select from won)
  on conflict (execution_id, node_id) do update set status = excluded.status, state = excluded.state, output = coalesce(excluded.output, n.output)
), events as (
  insert into execution_events (${names(eventColumns)}) select ${selected(eventColumns)} from ${unnested(eventColumns, eventsFrom)} where exists (select from won)
), used as (
  insert into usage_daily as u (${names(usageColumns)}) select ${selected(usageColumns)} from ${unnested(usageColumns, usageFrom)} where exists (select from won)
  on conflict (${usageKey.join(', ')}) do update set ${usageCounts.map((count) => `${count} = u.${count} + excluded.${count}`).join(', ')}
), asked as (
  insert into gates as g (${names(gateColumns)}) select ${selected(gateColumns)} from ${unnested(gateColumns, gatesFrom)} where exists (select from won)
  on conflict (execution_id, gate_id) do update set gate = excluded.gate
), referred as (
  insert into body_references (${names(referenceColumns)}) select ${selected(referenceColumns)} from ${unnested(referenceColumns, referencesFrom)} where exists (select from won)
  on conflict do nothing
), spent as (
  insert into budget_spending as s (${names(spendingColumns)}) select ${selected(spendingColumns)} from ${unnested(spendingColumns, spendingFrom)} where exists (select from won)
  on conflict (account, day, partition) do update set spent_nano_usd = s.spent_nano_usd + excluded.spent_nano_usd
), released as (
  delete from budget_reservations b using ${unnested(settlementColumns, settlementsFrom)} where b.execution_id = r.execution_id
    and (r.node_id is null or b.node_id = r.node_id) and (r.attempt is null or b.attempt <= r.attempt) and (r.key is null or b.key = r.key) and exists (select from won)
), settled as (
  delete from gates g using ${unnested(goneGateColumns, goneGatesFrom)} where g.execution_id = r.execution_id and g.gate_id = r.gate_id and exists (select from won)
)
select from won`;

/** Writes a batch and moves the progress from `from` to `to`. False: somebody else moved it, or swapped the rows, and nothing was written. */
export const writeChanges = async (sql: Sql, changes: Changes, from: StoredPosition, to: Position): Promise<boolean> => {
  const touched = [...changes.touched.values()];
  const gates = changedGates(touched);
  const columns = [
    await columnar(
      createdColumns,
      touched.filter(({ isNew }) => isNew),
    ),
    await columnar(
      liveColumns,
      touched.filter(({ isNew }) => !isNew),
    ),
    await columnar(nodeColumns, changedNodes(touched)),
    await columnar(
      eventColumns,
      touched.flatMap(({ events }) => eventRows(events)),
    ),
    await columnar(usageColumns, changes.usage.rows),
    await columnar(gateColumns, gates.open),
    await columnar(goneGateColumns, gates.gone),
    await columnar(referenceColumns, touched.flatMap(referring)),
    await columnar(spendingColumns, changes.accounts.rows),
    await columnar(settlementColumns, changes.accounts.settled),
  ];
  const rows = await sql.query(
    statement,
    [from.partition, from.topicId, from.offset, to.offset, to.claim, to.previous, Date.now(), ...columns.flat(), from.generation],
    'write-changes',
  );
  return rows.length > 0;
};

/** What the tables hold of an execution as soon as everything in `view` is written. A reused node's row is where it ran, but for one that returned the receipt of an effect. */
export const rowsOf = (view: ExecutionView) => ({
  execution: rowOf(createdColumns, { view, isNew: true, nodes: new Map(), events: [], outputChanged: true, gatesChanged: true }),
  nodes: Object.values(view.nodes ?? {})
    .filter(({ reused_from, effect }) => reused_from === null || effect !== undefined)
    .map((node) => rowOf(nodeColumns, { executionId: view.id, node, outputChanged: true })),
  gates: openGatesOf(view).map((gate) => rowOf(gateColumns, { view, gate })),
});

/** The rows of sums that hold these alone. */
export const usageRowsOf = (usage: Usage) => usage.rows.map((row) => rowOf(usageColumns, row));

export const spendingRowsOf = (accounts: Accounts) => accounts.rows.map((row) => rowOf(spendingColumns, row));

/** The stored bodies that events refer to. */
const referring = ({ events }: Touched): Referring[] => {
  const all: Referring[] = [];
  for (const event of events) for (const { digest } of referencesIn(event)) all.push({ event, digest });
  return all;
};

/** Open gates to write and others to remove; no gate is in both. */
const changedGates = (touched: readonly Touched[]): { open: ChangedGate[]; gone: ChangedGate[] } => {
  const changed = touched.filter(({ gatesChanged, view }) => gatesChanged && view.gates.length > 0);
  const open = changed.flatMap(({ view }) => openGatesOf(view).map((gate) => ({ view, gate })));
  const kept = new Set(open.map(({ gate }) => gate));
  return { open, gone: changed.flatMap(({ view }) => view.gates.filter((gate) => !kept.has(gate)).map((gate) => ({ view, gate }))) };
};

const changedNodes = (touched: readonly Touched[]): ChangedNode[] => {
  const all: ChangedNode[] = [];
  for (const { view, nodes } of touched) {
    for (const [id, outputChanged] of nodes) {
      const node = view.nodes?.[id];
      if (node) all.push({ executionId: view.id, node, outputChanged });
    }
  }
  return all;
};

import { type EventRow, eventsOf } from '@runlog/read-model';
import { arrayOf } from './binary-arrays.js';
import { budgetWrites } from './budget-statements.js';
import { found, type Row, type Statement, type StatementByText, type Tables, uniqueViolation } from './tables.js';

interface Part {
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly value: number }[];
  readonly verb: string;
}

const parsed = new Map<string, readonly Part[]>();

/** The rows that a `write-changes` statement carries, read off its text: each part takes one array per column. */
const partsOf = (text: string): readonly Part[] => {
  let parts = parsed.get(text);
  if (parts) return parts;
  const pattern = /(insert into|delete from|(?<!do )update) (\w+)\b[^;]*?(?:from|using) unnest\(([^)]*)\) as r \(([^)]*)\)/g;
  parts = [...text.slice(text.indexOf('), created')).matchAll(pattern)].map(([, verb, table, values = '', names = '']) => ({
    table: table as string,
    verb: verb as string,
    columns: names.split(', ').map((name, at) => ({ name, value: Number([...values.matchAll(/\$(\d+)::/g)][at]?.[1]) - 1 })),
  }));
  parsed.set(text, parts);
  return parts;
};

const rowsOf = ({ columns }: Part, values: readonly unknown[]): Row[] => {
  const read = columns.map(({ name, value }) => ({ name, items: arrayOf(values[value]) }));
  return (read[0]?.items ?? []).map((_, at) => Object.fromEntries(read.map(({ name, items }) => [name, items[at]])));
};

const withoutNullOutput = ({ output, ...row }: Row): Row => (output === null ? row : { ...row, output });
const group = <Key>(groups: Map<string, Map<Key, Row>>, id: string): Map<Key, Row> => {
  let found = groups.get(id);
  if (!found) groups.set(id, (found = new Map()));
  return found;
};

const eventsIn = (row: Row) => eventsOf(row as unknown as EventRow<string>);

const put: Record<string, (tables: Tables, row: Row, verb: string) => void> = {
  executions: ({ executions }, row, verb) => {
    const id = row.id as string;
    const known = executions.get(id);
    if (verb === 'update') {
      if (known) Object.assign(known, withoutNullOutput(row));
    } else if (known) throw uniqueViolation('executions', id);
    else executions.set(id, row);
  },
  execution_nodes: ({ execution_nodes }, row) => {
    const nodes = group(execution_nodes, row.execution_id as string);
    const known = nodes.get(row.node_id as string);
    if (known) Object.assign(known, withoutNullOutput(row));
    else nodes.set(row.node_id as string, row);
  },
  execution_events: ({ execution_events }, row) => {
    const events = group(execution_events, row.execution_id as string);
    for (const event of eventsIn(row)) {
      if (events.has(event.version)) throw uniqueViolation('execution_events', `${row.execution_id} ${event.version}`);
      events.set(event.version, { ...event, first: null });
    }
  },
  gates: ({ gates }, row, verb) => {
    const id = `${row.execution_id} ${row.gate_id}`;
    if (verb === 'delete from') gates.delete(id);
    else gates.set(id, row);
  },
  body_references: ({ body_references }, row) => {
    body_references.set(`${row.workspace_id} ${row.digest} ${row.execution_id}`, row);
  },
  ...budgetWrites,
  usage_daily: ({ usage_daily }, row) => {
    const id = [row.workspace_id, row.day, row.workflow_id, row.agent_id, row.model, row.partition].join(' ');
    const known = usage_daily.get(id);
    if (!known) usage_daily.set(id, row);
    else {
      for (const [name, value] of Object.entries(row))
        if (typeof value === 'number' && name !== 'partition' && name !== 'cost_nano_usd') known[name] = (known[name] as number) + value;
      known.cost_nano_usd = String(BigInt(known.cost_nano_usd as number) + BigInt(row.cost_nano_usd as number));
    }
  },
};

/** One transaction: nothing of it happens unless the compare-and-set of the progress is won and no row is refused. */
const writeChanges: Statement = (tables, values, text) => {
  const [partition, topicId, from, to, claim, previous] = values;
  const progress = tables.projection_progress.get(partition as number);
  const isFenced = /where projection = .* and "offset" = \$3/.test(text);
  if (!progress || progress.topicId !== topicId || (isFenced && progress.offset !== from)) return [];
  const work = partsOf(text).flatMap((part) => rowsOf(part, values).map((row) => ({ part, row })));
  for (const { part, row } of work) refuseDoubles(tables, part, row);
  for (const { part, row } of work) put[part.table]?.(tables, row, part.verb);
  Object.assign(progress, { offset: to, claim, previous });
  return [{}];
};

const refuseDoubles = ({ executions, execution_events }: Tables, { table, verb }: Part, row: Row): void => {
  if (table === 'executions' && verb !== 'update' && executions.has(row.id as string)) throw uniqueViolation(table, row.id as string);
  if (table !== 'execution_events') return;
  for (const { version } of eventsIn(row)) if (execution_events.get(row.execution_id as string)?.has(version)) throw uniqueViolation(table, `${row.execution_id} ${version}`);
};

const json = (value: unknown): unknown => (typeof value === 'string' ? JSON.parse(value) : value);

/** The projection's statements, by name. */
export const projectionStatements: Readonly<Record<string, Statement>> = {
  'write-changes': writeChanges,
  'live-views': ({ executions }, [ids]) => found(executions, ids as string[]).map(({ id, settled, live }) => ({ id, settled: json(settled), live: json(live) })),
  'live-nodes': ({ execution_nodes }, [ids]) =>
    (ids as string[]).flatMap((id) => [...(execution_nodes.get(id)?.values() ?? [])].map(({ execution_id, node_id, state }) => ({ execution_id, node_id, state: json(state) }))),
  'collect-quarantine': ({ projection_quarantine }) => [...projection_quarantine.values()].slice(0, 1),
  'collect-folded': ({ projection_progress }) => [...projection_progress].map(([partition, { offset }]) => ({ partition, offset })),
  'collect-decided': ({ engine_partitions }) => [...engine_partitions].map(([partition, { next_command }]) => ({ partition, offset: next_command })),
  'collect-referred': ({ body_references }, [workspaces, digests]) => {
    const keys = new Set((digests as string[]).map((digest, at) => `${(workspaces as string[])[at]} ${digest}`));
    return [...body_references.values()].filter(({ workspace_id, digest }) => keys.has(`${workspace_id} ${digest}`));
  },
};

/** Those without a name, by how they begin. */
export const projectionTexts: readonly StatementByText[] = [
  [
    /^select .* from projection_progress where projection = \$1 and partition = \$2$/,
    ({ projection_progress }, [, partition]) => found(projection_progress, [partition as number]).map((row) => ({ ...row })),
  ],
  [
    /^insert into projection_progress/,
    ({ projection_progress }, [, topicId, partition, offset, claim, previous]) => {
      if (!projection_progress.has(partition as number)) projection_progress.set(partition as number, { topicId, partition, offset, claim, previous });
      return [];
    },
  ],
  [
    /^select execution_id as id, .* from projection_quarantine/,
    ({ projection_quarantine }, [partition]) => [...projection_quarantine.values()].filter((row) => row.partition === partition),
  ],
  [
    /^insert into projection_quarantine/,
    ({ projection_quarantine }, [id, partition, offset, claim, cause]) => {
      projection_quarantine.set(id as string, { id, partition, offset, claim, cause });
      return [];
    },
  ],
];

import type { ExecutionFilter } from '@runlog/contract';
import { indexedTerm, metadataTerm } from '@runlog/read-model';

/** The sort key as indexed: a row without one sorts as -1. */
const sortKeys: { readonly [Sort in ExecutionFilter['sort']]: string } = {
  created_at: 'e.created_at',
  started_at: 'coalesce(e.started_at, -1)',
  completed_at: 'coalesce(e.completed_at, -1)',
  duration_ms: 'coalesce(e.duration_ms, -1)',
  cost: 'e.cost_nano_usd',
};

const columns: readonly (readonly [member: keyof ExecutionFilter, column: string])[] = [
  ['podId', 'pod_id'],
  ['agentId', 'agent_id'],
  ['sessionId', 'session_id'],
  ['userId', 'user_id'],
  ['queueName', 'queue_name'],
  ['batchId', 'batch_id'],
  ['parentExecutionId', 'parent_execution_id'],
  ['retryOf', 'retry_of'],
  ['replayOf', 'replay_of'],
];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

const ID_START = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/i;

/** A part of the name or key, or how an id begins (8 characters at least): each has its index. */
const searched = (q: string, bind: (value: unknown) => string): string => {
  const named = `(e.name || ' ' || e.key) ilike ${bind(`%${escapeLike(q)}%`)}`;
  if (!ID_START.test(q)) return named;
  const digits = q.replaceAll('-', '').toLowerCase().slice(0, 32);
  return `(${named} or e.id between ${bind(digits.padEnd(32, '0'))}::uuid and ${bind(digits.padEnd(32, 'f'))}::uuid)`;
};

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Of a statement that is planned once for each connection. */
  readonly name?: string;
}

interface Conditions {
  /** What indexes in the list's order know of. */
  readonly where: string[];
  /** What is searched: tags, metadata and names. */
  readonly sought: string[];
  readonly values: unknown[];
  readonly bind: (value: unknown) => string;
}

/** What a filter asks of a row, with its parameters. */
const conditions = (filter: ExecutionFilter): Conditions => {
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const sought: string[] = [];
  const where = [`e.workspace_id = ${bind(filter.workspaceId)}`];
  if (filter.statuses?.length === 1) where.push(`e.status = ${bind(filter.statuses[0])}`);
  else if (filter.statuses) where.push(`e.status = any(${bind(filter.statuses)}::text[])`);
  if (filter.workflowId !== undefined) where.push(UUID.test(filter.workflowId) ? `e.workflow_id = ${bind(filter.workflowId)}` : 'false');
  for (const [member, column] of columns) if (filter[member] !== undefined) where.push(`e.${column} = ${bind(filter[member])}`);
  if (filter.tag !== undefined) sought.push(`e.tags @> array[${bind(indexedTerm(filter.tag))}] and e.tags <> '{}'`);
  const terms = Object.entries(filter.metadata ?? {}).map(([key, value]) => metadataTerm(key, value));
  if (terms.length > 0) sought.push(`e.metadata_terms @> ${bind(terms)}::text[] and e.metadata_terms <> '{}'`);
  if (filter.createdAfter !== undefined) where.push(`e.created_at > ${bind(filter.createdAfter)}`);
  if (filter.createdBefore !== undefined) where.push(`e.created_at < ${bind(filter.createdBefore)}`);
  if (filter.q) sought.push(searched(filter.q, bind));
  return { where, sought, bind, values };
};

/** Whether it searches in tags, metadata or names. */
export const isSearched = ({ tag, metadata, q }: ExecutionFilter): boolean => tag !== undefined || metadata !== undefined || Boolean(q);

const columnsOfRow = 'p.settled, p.live, p.output, t.count as log_count, t.last_line as last_log_line';
const tips = 'left join execution_log_tips t on t.execution_id = p.id';
const backwards = (filter: ExecutionFilter): string => ((filter.before ? !filter.descending : filter.descending) ? 'desc' : 'asc');

const plannedLimits: ReadonlySet<number> = new Set([20, 50, 100]);
const plannedMembers: ReadonlySet<string> = new Set(['workspaceId', 'statuses', 'workflowId', 'sort', 'descending', 'limit', 'after', 'before']);

/**
 * The name of a page as people leaf through it: of all, a status or a workflow, by creation. Planning it takes as long as reading it, and one plan
 * is right for all, as an index has exactly this order; with the limit in the text, on which the plan depends. Few, as each connection keeps them.
 */
const plannedName = (filter: ExecutionFilter): string | undefined => {
  const { statuses, workflowId, sort, limit, after, before } = filter;
  const isUsual = Object.entries(filter).every(([member, value]) => value === undefined || plannedMembers.has(member));
  if (!isUsual || sort !== 'created_at' || !plannedLimits.has(limit) || (statuses && statuses.length !== 1) || (workflowId && !UUID.test(workflowId))) return undefined;
  return ['list', statuses && 'status', workflowId && 'workflow', (before ?? after) && 'from', backwards(filter), limit].filter(Boolean).join('-');
};

/** Where a page lies: its conditions with the cursor, its order, and how much of what follows it is. */
const placed = (filter: ExecutionFilter, name?: string) => {
  const { where, sought, bind, values } = conditions(filter);
  const key = sortKeys[filter.sort];
  const order = backwards(filter);
  const cursor = filter.before ?? filter.after;
  if (cursor) where.push(`(${key}, e.id) ${order === 'desc' ? '<' : '>'} (${bind(cursor.value ?? -1)}::bigint, ${bind(cursor.id)}::uuid)`);
  const part = `limit ${name === undefined ? bind(filter.limit + 1) : filter.limit + 1}${filter.offset ? ` offset ${bind(filter.offset)}` : ''}`;
  return { where: where.join(' and '), sought: sought.join(' and '), key, order, part, values };
};

/** One row more than the page, to know whether more follow. `before` reads backwards: its rows come in reverse order. */
export const pageStatement = (filter: ExecutionFilter): Statement => {
  const name = plannedName(filter);
  const { where, key, order, part, values } = placed(filter, name);
  const page = `from executions e where ${where} order by ${key} ${order}, e.id ${order} ${part}`;
  return {
    text: `select ${columnsOfRow} from (select e.id, e.settled, e.live, e.output, ${key} as sort_key ${page}) p ${tips} order by p.sort_key ${order}, p.id ${order}`,
    values,
    ...(name !== undefined && { name }),
  };
};

/** So many rows are looked through in order: about as many as cost as much as the index of what is one in a hundred. */
const LOOKED_THROUGH = 5_000;

/**
 * The ids of a page of a search, three ways: `near`, among the next rows in order, which is where what is frequent is found; `all` that match, by
 * the index of what is sought, `found` of them, a page of them in order unless there are more than are sorted; `walk`, through everything in order.
 * PostgreSQL left alone believes that matches are spread evenly, and walks through a million rows for some that lie together at the other end.
 */
export const searchStatements = (filter: ExecutionFilter, mostSorted: number): { readonly near: Statement; readonly all: Statement; readonly walk: Statement } => {
  const { where, sought, key, order, part, values } = placed(filter);
  const next = `select e.*, ${key} as sort_key from executions e where ${where} order by ${key} ${order}, e.id ${order} limit ${LOOKED_THROUGH}`;
  const matches = `select e.id, ${key} as sort_key from executions e where ${where} and ${sought} limit ${mostSorted + 1}`;
  return {
    near: { text: `select e.id from (${next}) e where ${sought} order by e.sort_key ${order}, e.id ${order} ${part}`, values },
    all: { text: `with m as materialized (${matches}) select m.id, (select count(*) from m) as found from m order by m.sort_key ${order}, m.id ${order} ${part}`, values },
    walk: { text: `select e.id from executions e where ${where} and ${sought} order by ${key} ${order}, e.id ${order} ${part}`, values },
  };
};

/** The rows of these ids, in the order of the page. */
export const rowsOf = (filter: ExecutionFilter, ids: readonly string[]): Statement => ({
  text: `select ${columnsOfRow} from unnest($1::uuid[]) with ordinality as w(id, place) join executions p on p.id = w.id and p.workspace_id = $2 ${tips} order by w.place`,
  values: [ids, filter.workspaceId],
});

/** Totals are exact up to here. */
export const MOST_COUNTED = 10_000;

export const countStatement = (filter: ExecutionFilter): Statement => {
  const { where, sought, values } = conditions(filter);
  return { text: `select count(*) as total from (select from executions e where ${[...where, ...sought].join(' and ')} limit ${MOST_COUNTED + 1}) counted`, values };
};

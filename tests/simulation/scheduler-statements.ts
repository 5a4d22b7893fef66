import type { Row, Statement, StatementByText, Tables } from './tables.js';

const key = (...parts: unknown[]): string => parts.join(' ');
const own = (rows: Map<string, Row>, partition: unknown, ids: unknown): Row[] =>
  [...rows.values()].filter((row) => row.partition === partition && (ids as string[]).includes(row.execution_id as string));
/** Arrays side by side as rows. */
const zipped = (columns: readonly string[], values: readonly unknown[]): Row[] =>
  (values[0] as unknown[]).map((_, at) => Object.fromEntries(columns.map((column, index) => [column, (values[index] as unknown[])[at]])));

const executionColumns = ['execution_id', 'workspace_id', 'workflow_version_id', 'cancelling', 'run_includes_suspended', 'run_left_ms', 'run_since'];
const timerColumns = ['execution_id', 'kind', 'node', 'due_at', 'timer'];
const attemptColumns = ['execution_id', 'node', 'attempt', 'kind', 'runner', 'since'];

const standingOf = (text: unknown): unknown => (typeof text === 'string' ? JSON.parse(text) : null);

/** Whether this writer may write: the newest who opened the partition, and nobody wrote more. */
export const mayFlush = ({ scheduler_progress }: Tables, [partition, epoch, , next_offset]: readonly unknown[], text: string): boolean => {
  const progress = scheduler_progress.get(partition as number);
  const isMine = progress?.epoch === epoch || !text.includes('and epoch = $2');
  const isNewer = (progress?.next_offset as number) <= (next_offset as number) || !text.includes('and next_offset <= $4');
  return progress !== undefined && isMine && isNewer;
};

const flush: Statement = (tables, values, text) => {
  const [partition, , topic_id, next_offset, claim, previous, ended, timerIds, timerKinds, timerNodes, attemptIds, attemptNodes, ...put] = values;
  const { scheduler_progress, scheduler_executions, scheduler_timers, scheduler_attempts } = tables;
  const progress = scheduler_progress.get(partition as number);
  if (!progress || !mayFlush(tables, values, text)) return [{ flushed: false }];
  Object.assign(progress, { topic_id, next_offset, claim, previous });
  const gone = new Set(ended as string[]);
  for (const rows of [scheduler_executions, scheduler_timers, scheduler_attempts])
    for (const [id, row] of rows) if (row.partition === partition && gone.has(row.execution_id as string)) rows.delete(id);
  for (const row of zipped(['id', 'kind', 'node'], [timerIds, timerKinds, timerNodes])) scheduler_timers.delete(key(partition, row.id, row.kind, row.node));
  for (const row of zipped(['id', 'node'], [attemptIds, attemptNodes])) scheduler_attempts.delete(key(partition, row.id, row.node));
  const firstTimer = executionColumns.length;
  const firstAttempt = firstTimer + timerColumns.length;
  const standings = values.at(-1);
  for (const row of zipped([...executionColumns, 'standing'], [...put.slice(0, firstTimer), standings])) {
    const known = scheduler_executions.get(key(partition, row.execution_id));
    const { workspace_id, workflow_version_id } = known ?? row;
    scheduler_executions.set(key(partition, row.execution_id), { partition, ...row, workspace_id, workflow_version_id, standing: standingOf(row.standing) });
  }
  for (const row of zipped(timerColumns, put.slice(firstTimer)))
    scheduler_timers.set(key(partition, row.execution_id, row.kind, row.node), { partition, ...row, timer: JSON.parse(row.timer as string) });
  for (const row of zipped(attemptColumns, put.slice(firstAttempt))) scheduler_attempts.set(key(partition, row.execution_id, row.node), { partition, ...row });
  return [{ flushed: true }];
};

const open: Statement = ({ scheduler_progress }, [partition, topic_id]) => {
  const row = scheduler_progress.get(partition as number) ?? { epoch: 0, topic_id, next_offset: 0, claim: -1, previous: '' };
  row.epoch++;
  scheduler_progress.set(partition as number, row);
  return [{ ...row }];
};

const dueWithin = ({ scheduler_timers }: Tables, [partition, from, to]: readonly unknown[]): Row[] =>
  [...scheduler_timers.values()].filter((row) => row.partition === partition && (row.due_at as number) > (from as number) && (row.due_at as number) <= (to as number));

const distinctIds = (rows: readonly Row[]): Row[] => [...new Set(rows.map((row) => row.execution_id))].map((execution_id) => ({ execution_id }));

/** Successions: what follows a retry. */
const successions: Readonly<Record<string, Statement>> = {
  scheduler_successions: ({ scheduler_successions }, [partition]) => [...scheduler_successions.values()].filter((row) => row.partition === partition),
  scheduler_successions_put: ({ scheduler_successions, scheduler_progress }, [partition, ...columns], text) => {
    const reached = text.includes('p.next_offset > n.rests_on') ? ((scheduler_progress.get(partition as number)?.next_offset ?? 0) as number) : 0;
    for (const { rests_on, ...row } of zipped(['successor_id', 'source_id', 'workspace_id', 'asked_at', 'ended_at', 'superseded', 'rests_on'], columns)) {
      if (reached > (rests_on as number)) continue;
      const known = scheduler_successions.get(row.successor_id as string);
      if (known) known.ended_at = row.ended_at ?? known.ended_at;
      else scheduler_successions.set(row.successor_id as string, { partition, ...row, superseded: JSON.parse(row.superseded as string) });
    }
    return [];
  },
  scheduler_successions_look: ({ executions, execution_events }, columns) =>
    zipped(['id', 'source'], columns).map(({ id, source }) => ({
      id,
      status: executions.get(id as string)?.status ?? null,
      begins: execution_events.get(source as string)?.get(1) ?? null,
    })),
  scheduler_successions_drop: ({ scheduler_successions }, [ids]) => {
    for (const id of ids as string[]) scheduler_successions.delete(id);
    return [];
  },
};

/** The scheduler's statements, by name. */
export const schedulerStatements: Readonly<Record<string, Statement>> = {
  ...successions,
  scheduler_flush: flush,
  scheduler_load_executions: ({ scheduler_executions }, [partition, ids]) => own(scheduler_executions, partition, ids),
  scheduler_load_timers: ({ scheduler_timers }, [partition, ids]) =>
    own(scheduler_timers, partition, ids).map(({ execution_id, node, due_at, timer }) => ({ execution_id, node, due_at, timer })),
  scheduler_load_attempts: ({ scheduler_attempts }, [partition, ids]) =>
    own(scheduler_attempts, partition, ids).map(({ execution_id, node, attempt, kind, runner, since }) => ({ execution_id, node, attempt, kind, runner, since })),
};

/** Those without a name, by how they begin. */
export const schedulerTexts: readonly StatementByText[] = [
  [/^insert into scheduler_progress/, open],
  [
    /^select distinct execution_id from scheduler_attempts/,
    ({ scheduler_attempts }, [partition]) => distinctIds([...scheduler_attempts.values()].filter((row) => row.partition === partition)),
  ],
  [/^select distinct execution_id from scheduler_timers/, (tables, values) => distinctIds(dueWithin(tables, values))],
  [
    /^select due_at from scheduler_timers/,
    (tables, values) => {
      const sorted = dueWithin(tables, values).sort((a, b) => (a.due_at as number) - (b.due_at as number));
      const offset = values[3] as number;
      return sorted.slice(offset, offset + 1);
    },
  ],
];

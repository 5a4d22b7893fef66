import type { Position } from '@runlog/event-log';
import type { ExecutionId, Instant, QueueStanding, Timer } from '@runlog/execution';
import type { Database, Sql } from '@runlog/read-model';
import { flushSql } from './flush-sql.js';
import { applyStandings } from './queues/standings-sql.js';
import type { Changes, StoredExecution } from './rows.js';
import type { ArmedTimer, OpenAttempt } from './watched.js';

interface ProgressRow {
  readonly epoch: number;
  readonly topic_id: string;
  readonly next_offset: number;
  readonly claim: number;
  readonly previous: string;
}

interface ExecutionsRow {
  readonly execution_id: string;
  readonly workspace_id: string;
  readonly workflow_version_id: string | null;
  readonly cancelling: boolean;
  readonly run_includes_suspended: boolean | null;
  readonly run_left_ms: number | null;
  readonly run_since: number | null;
  readonly standing: QueueStanding | null;
}

type TimersRow = { execution_id: string; node: string; due_at: number; timer: { timer: Timer; later: Instant[] } };
type AttemptsRow = OpenAttempt & { execution_id: string };

/**
 * The scheduler's rows. Rows and progress change in one statement, and only for the newest `epoch` of the partition: whoever opened it last.
 */
export class SchedulerStore {
  constructor(private readonly sql: Pick<Database, 'query' | 'transaction'>) {}

  /** Takes the partition over from whoever had it; a flush of theirs is refused from here on. */
  async open(partition: number, topicId: string): Promise<{ epoch: number; position: Position }> {
    const [row] = await this.sql.query<ProgressRow>(
      `insert into scheduler_progress (partition, epoch, topic_id, next_offset, claim, previous) values ($1, 1, $2, 0, -1, '')
       on conflict (partition) do update set epoch = scheduler_progress.epoch + 1 returning *`,
      [partition, topicId],
    );
    if (!row) throw new Error(`Expected the progress of partition ${partition}, but its row was not returned`);
    return { epoch: row.epoch, position: { topicId: row.topic_id, partition, offset: row.next_offset, claim: row.claim, previous: row.previous } };
  }

  /** False: another scheduler has taken the partition over, and nothing was written. */
  async flush(epoch: number, position: Position, changes: Changes): Promise<boolean> {
    if (changes.standings.length === 0) return flushWith(this.sql, epoch, position, changes);
    return this.sql.transaction(async (sql) => {
      if (!(await flushWith(sql, epoch, position, changes))) return false;
      await applyStandings(sql, position.partition, changes.standings, Date.now());
      return true;
    });
  }

  async withOpenAttempts(partition: number): Promise<ExecutionId[]> {
    return this.ids('select distinct execution_id from scheduler_attempts where partition = $1', [partition]);
  }

  /** Executions with a timer due after `after` and up to `until`, which is brought forward when there are more than `limit`. */
  async due(partition: number, after: number, until: number, limit: number): Promise<{ ids: ExecutionId[]; until: number }> {
    const window = 'from scheduler_timers where partition = $1 and due_at > $2 and due_at <= $3';
    const from = Number.isFinite(after) ? after : -1;
    const [beyond] = await this.sql.query<{ due_at: number }>(`select due_at ${window} order by due_at offset $4 limit 1`, [partition, from, until, limit]);
    const reached = beyond?.due_at ?? until;
    return { ids: await this.ids(`select distinct execution_id ${window}`, [partition, from, reached]), until: reached };
  }

  async load(partition: number, ids: readonly ExecutionId[]): Promise<StoredExecution[]> {
    if (ids.length === 0) return [];
    const where = 'where partition = $1 and execution_id = any($2)';
    const [executions, timers, attempts] = await Promise.all([
      this.sql.query<ExecutionsRow>(`select * from scheduler_executions ${where}`, [partition, ids], 'scheduler_load_executions'),
      this.sql.query<TimersRow>(`select execution_id, node, due_at, timer from scheduler_timers ${where}`, [partition, ids], 'scheduler_load_timers'),
      this.sql.query<AttemptsRow>(`select execution_id, node, attempt, kind, runner, since from scheduler_attempts ${where}`, [partition, ids], 'scheduler_load_attempts'),
    ]);
    const timersOf = Map.groupBy(timers, (row) => row.execution_id);
    const attemptsOf = Map.groupBy(attempts, (row) => row.execution_id);
    return executions.map((row) => ({
      executionId: row.execution_id,
      workspaceId: row.workspace_id,
      workflowVersionId: row.workflow_version_id,
      cancelling: row.cancelling,
      clock: row.run_left_ms === null ? null : { includesSuspended: row.run_includes_suspended ?? false, leftMs: row.run_left_ms, since: row.run_since },
      standing: row.standing,
      timers: (timersOf.get(row.execution_id) ?? []).map(armedOf),
      attempts: (attemptsOf.get(row.execution_id) ?? []).map(({ execution_id: _, ...attempt }) => attempt),
    }));
  }

  private async ids(text: string, values: readonly unknown[]): Promise<ExecutionId[]> {
    return (await this.sql.query<{ execution_id: string }>(text, values)).map((row) => row.execution_id);
  }
}

const flushWith = async (sql: Sql, epoch: number, position: Position, changes: Changes): Promise<boolean> => {
  const { name, text, values } = flushSql(epoch, position, changes);
  const [row] = await sql.query<{ flushed: boolean }>(text, values, name);
  return row?.flushed ?? false;
};

const armedOf = ({ node, due_at, timer }: TimersRow): ArmedTimer => ({ timer: timer.timer, node, dueAt: due_at, later: timer.later });

import type { Position } from '@runlog/event-log';
import type { Changes } from './rows.js';

const text = `
  with fence as (
    update scheduler_progress set topic_id = $3, next_offset = $4, claim = $5, previous = $6 where partition = $1 and epoch = $2 and next_offset <= $4 returning partition
  ),
  ended_executions as (delete from scheduler_executions t using fence f where t.partition = f.partition and t.execution_id = any($7::text[])),
  ended_timers as (delete from scheduler_timers t using fence f where t.partition = f.partition and t.execution_id = any($7::text[])),
  ended_attempts as (delete from scheduler_attempts t using fence f where t.partition = f.partition and t.execution_id = any($7::text[])),
  gone_timers as (
    delete from scheduler_timers t using fence f, unnest($8::text[], $9::text[], $10::text[]) g(execution_id, kind, node)
    where t.partition = f.partition and t.execution_id = g.execution_id and t.kind = g.kind and t.node = g.node
  ),
  gone_attempts as (
    delete from scheduler_attempts t using fence f, unnest($11::text[], $12::text[]) g(execution_id, node)
    where t.partition = f.partition and t.execution_id = g.execution_id and t.node = g.node
  ),
  put_executions as (
    insert into scheduler_executions (partition, execution_id, workspace_id, workflow_version_id, cancelling, run_includes_suspended, run_left_ms, run_since, standing)
    select f.partition, p.* from fence f, unnest($13::text[], $14::text[], $15::text[], $16::boolean[], $17::boolean[], $18::bigint[], $19::bigint[], $31::jsonb[]) p
    on conflict (partition, execution_id) do update set cancelling = excluded.cancelling, run_includes_suspended = excluded.run_includes_suspended,
      run_left_ms = excluded.run_left_ms, run_since = excluded.run_since, standing = excluded.standing
  ),
  put_timers as (
    insert into scheduler_timers (partition, execution_id, kind, node, due_at, timer)
    select f.partition, p.* from fence f, unnest($20::text[], $21::text[], $22::text[], $23::bigint[], $24::jsonb[]) p
    on conflict (partition, execution_id, kind, node) do update set due_at = excluded.due_at, timer = excluded.timer
  ),
  put_attempts as (
    insert into scheduler_attempts (partition, execution_id, node, attempt, kind, runner, since)
    select f.partition, p.* from fence f, unnest($25::text[], $26::text[], $27::int[], $28::text[], $29::text[], $30::bigint[]) p
    on conflict (partition, execution_id, node) do update set attempt = excluded.attempt, kind = excluded.kind, runner = excluded.runner, since = excluded.since
  )
  select exists (select from fence) as flushed`;

/**
 * One statement, so one transaction and one round trip: nothing of it happens unless `epoch` is still the partition's, nor when a later
 * flush has been written: one whose connection broke may be carried out after its repetition.
 */
export const flushSql = (epoch: number, position: Position, changes: Changes): { name: string; text: string; values: unknown[] } => {
  const { executions, timers, attempts, goneTimers, goneAttempts, ended } = changes;
  const values = [
    ...[position.partition, epoch, position.topicId, position.offset, position.claim, position.previous],
    ended,
    goneTimers.map((row) => row.executionId),
    goneTimers.map(({ slot }) => slot.slice(0, slot.indexOf(':'))),
    goneTimers.map(({ slot }) => slot.slice(slot.indexOf(':') + 1)),
    goneAttempts.map((row) => row.executionId),
    goneAttempts.map((row) => row.node),
    executions.map((row) => row.executionId),
    executions.map((row) => row.workspaceId),
    executions.map((row) => row.workflowVersionId),
    executions.map((row) => row.cancelling),
    executions.map((row) => row.clock?.includesSuspended ?? null),
    executions.map((row) => row.clock?.leftMs ?? null),
    executions.map((row) => row.clock?.since ?? null),
    timers.map((row) => row.executionId),
    timers.map(({ armed }) => armed.timer.kind),
    timers.map(({ armed }) => armed.node),
    timers.map(({ armed }) => armed.dueAt),
    timers.map(({ armed: { timer, later } }) => JSON.stringify({ timer, later })),
    attempts.map((row) => row.executionId),
    attempts.map(({ attempt }) => attempt.node),
    attempts.map(({ attempt }) => attempt.attempt),
    attempts.map(({ attempt }) => attempt.kind),
    attempts.map(({ attempt }) => attempt.runner),
    attempts.map(({ attempt }) => attempt.since),
    executions.map(({ standing }) => standing && JSON.stringify(standing)),
  ];
  return { name: 'scheduler_flush', text, values };
};

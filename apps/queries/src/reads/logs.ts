import type { LogLine, LogQuery } from '@runlog/contract';
import type { Sql } from '@runlog/read-model';

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

/** Lines after `after` (seq), oldest first. */
export const logLines = async (sql: Sql, { workspaceId, executionId, after, limit, node, attempt, level, q, last }: LogQuery): Promise<LogLine[]> => {
  const values: unknown[] = [workspaceId, executionId, after, limit];
  const also = (column: string, operator: string, value: unknown): string => (value === undefined ? '' : ` and ${column} ${operator} $${values.push(value)}`);
  const lines = await sql.query<LogLine>(
    `select seq, at, level, message, node_id, attempt, fields from execution_logs
     where workspace_id = $1 and execution_id = $2 and seq > $3${also('node_id', '=', node)}${also('attempt', '=', attempt)}${also('level', '=', level)}${also('message', 'ilike', q && `%${escapeLike(q)}%`)}
     order by seq${last ? ' desc' : ''} limit $4`,
    values,
  );
  return last ? lines.reverse() : lines;
};

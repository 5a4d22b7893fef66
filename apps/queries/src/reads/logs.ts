import type { LogLine, LogQuery } from '@runlog/contract';
import type { Sql } from '@runlog/read-model';

const escapeLike = (text: string): string => text.replace(/[\\%_]/g, '\\$&');

/** Numbers that a row of `execution_lines` has for its lines. */
const SPAN = 1024;

/** Lines after `after` (seq), oldest first. */
export const logLines = async (sql: Sql, { workspaceId, executionId, after, limit, node, attempt, level, q, last }: LogQuery): Promise<LogLine[]> => {
  const values: unknown[] = [workspaceId, executionId, after, limit];
  const also = (column: string, operator: string, value: unknown): string => (value === undefined ? '' : ` and ${column} ${operator} $${values.push(value)}`);
  const filter = `${also('node_id', '=', node)}${also('attempt', '=', attempt)}${also('level', '=', level)}${also('message', 'ilike', q && `%${escapeLike(q)}%`)}`;
  const order = last ? ' desc' : '';
  const lines = await sql.query<LogLine>(
    `(select seq, at, level, message, node_id, attempt, fields from execution_logs
      where workspace_id = $1 and execution_id = $2 and seq > $3${filter} order by seq${order} limit $4)
     union all
     (select n * ${SPAN} + nth - 1 as seq, at, level, message, node_id, attempt, fields
      from execution_lines, rows from (json_to_recordset(lines) as (at bigint, level text, message text, node text, attempt integer, fields json)) with ordinality
        as line (at, level, message, node_id, attempt, fields, nth)
      where workspace_id = $1 and execution_id = $2 and n >= $3 / ${SPAN} and n * ${SPAN} + nth - 1 > $3${filter} order by n${order}, nth${order} limit $4)
     order by seq${order} limit $4`,
    values,
  );
  return last ? lines.reverse() : lines;
};

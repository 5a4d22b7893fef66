import type { UsageFilter, UsagePage, UsageView } from '@runlog/contract';
import type { Sql } from '@runlog/read-model';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const sums = ['created', 'completed', 'failed', 'cancelled', 'rejected', 'steps', 'active_ms', 'input_tokens', 'output_tokens'] as const;

/** A page of what was used: newest day first, then by workflow. Days without anything have no row. */
export const usedPerDay = async (sql: Sql, filter: UsageFilter): Promise<Omit<UsagePage, 'lagMs'>> => {
  const { by, after } = filter;
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = [`workspace_id = ${bind(filter.workspaceId)}`, `day between ${bind(filter.from)}::date and ${bind(filter.to)}::date`];
  if (filter.workflowId !== undefined) where.push(UUID.test(filter.workflowId) ? `workflow_id = ${bind(filter.workflowId)}` : 'false');
  if (filter.agentId !== undefined) where.push(`agent_id = ${bind(filter.agentId)}`);
  if (after && by.day && by.workflow) where.push(`(day < ${bind(after.day)}::date or day = ${bind(after.day)}::date and workflow_id > ${bind(after.workflowId)}::uuid)`);
  else if (after && by.day) where.push(`day < ${bind(after.day)}::date`);
  else if (after && by.workflow) where.push(`workflow_id > ${bind(after.workflowId)}::uuid`);
  const groups = [...(by.day ? ['day'] : []), ...(by.workflow ? ['workflow_id'] : [])];
  const rows = await sql.query<UsageView>(
    `select ${by.day ? "to_char(day, 'YYYY-MM-DD')" : 'null::text'} as day, ${by.workflow ? 'workflow_id' : 'null::uuid'} as workflow_id,
       ${sums.map((name) => `coalesce(sum(${name}), 0)::bigint as ${name}`).join(', ')}, coalesce(sum(cost_nano_usd), 0)::text as cost_nano_usd
     from usage_daily where ${where.join(' and ')}
     ${groups.length === 0 ? '' : `group by ${groups.map((group) => `usage_daily.${group}`).join(', ')}`}
     ${groups.length === 0 ? '' : `order by ${groups.map((group) => `usage_daily.${group}${group === 'day' ? ' desc' : ''}`).join(', ')}`} limit ${bind(filter.limit + 1)}`,
    values,
  );
  return { rows: rows.slice(0, filter.limit), hasMore: rows.length > filter.limit };
};

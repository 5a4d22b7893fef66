import type { UsageFilter, UsageGroup, UsagePage, UsageView } from '@runlog/contract';
import type { Sql } from '@runlog/read-model';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const sums = [
  'created',
  'completed',
  'failed',
  'cancelled',
  'rejected',
  'steps',
  'active_ms',
  'agent_actions',
  'model_calls',
  'unpriced_calls',
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
] as const;

interface Grouping {
  readonly column: string;
  readonly type: 'date' | 'uuid' | 'text';
  readonly shown: string;
  readonly placeOf: (place: NonNullable<UsageFilter['after']>) => string;
}

/** In the order of the list: newest day first, everything else upwards. */
const groupings: { readonly [Group in UsageGroup]: Grouping } = {
  day: { column: 'day', type: 'date', shown: "to_char(day, 'YYYY-MM-DD')", placeOf: ({ day }) => day },
  workflow: { column: 'workflow_id', type: 'uuid', shown: 'workflow_id', placeOf: ({ workflowId }) => workflowId },
  agent: { column: 'agent_id', type: 'text', shown: 'agent_id', placeOf: ({ agentId }) => agentId },
  model: { column: 'model', type: 'text', shown: 'model', placeOf: ({ model }) => model },
};

/** A page of what was used. Days without anything have no row. */
export const used = async (sql: Sql, filter: UsageFilter): Promise<Omit<UsagePage, 'lagMs'>> => {
  const { by, after } = filter;
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = [`workspace_id = ${bind(filter.workspaceId)}`, `day between ${bind(filter.from)}::date and ${bind(filter.to)}::date`];
  if (filter.workflowId !== undefined) where.push(UUID.test(filter.workflowId) ? `workflow_id = ${bind(filter.workflowId)}` : 'false');
  if (filter.agentId !== undefined) where.push(`agent_id = ${bind(filter.agentId)}`);
  if (filter.model !== undefined) where.push(`model = ${bind(filter.model)}`);
  const groups = (Object.keys(groupings) as UsageGroup[]).filter((group) => by[group]).map((group) => groupings[group]);
  if (after && groups.length > 0) where.push(`(${behind(groups, after, bind)})`);
  const collate = ({ column, type }: Grouping): string => (type === 'text' ? `usage_daily.${column} collate "C"` : `usage_daily.${column}`);
  const members = Object.entries(groupings).map(([group, { column, type, shown }]) => `${by[group as UsageGroup] ? shown : `null::${type}`} as ${column}`);
  const rows = await sql.query<UsageView>(
    `select ${members.join(', ')}, ${sums.map((name) => `coalesce(sum(${name}), 0)::bigint as ${name}`).join(', ')}, coalesce(sum(cost_nano_usd), 0)::text as cost_nano_usd
     from usage_daily where ${where.join(' and ')}
     ${groups.length === 0 ? '' : `group by ${groups.map(({ column }) => `usage_daily.${column}`).join(', ')} order by ${groups.map((group) => `${collate(group)}${group.column === 'day' ? ' desc' : ''}`).join(', ')}`}
     limit ${bind(filter.limit + 1)}`,
    values,
  );
  return { rows: rows.slice(0, filter.limit), hasMore: rows.length > filter.limit };
};

/** Rows that follow a place: equal in the first groups, behind it in the next. */
const behind = (groups: readonly Grouping[], place: NonNullable<UsageFilter['after']>, bind: (value: unknown) => string): string => {
  const bound = groups.map(({ column, type, placeOf }) => ({
    column: type === 'text' ? `${column} collate "C"` : column,
    value: `${bind(placeOf(place))}::${type}`,
    isDay: type === 'date',
  }));
  return bound
    .map(({ column, value, isDay }, i) => [...bound.slice(0, i).map((before) => `${before.column} = ${before.value}`), `${column} ${isDay ? '<' : '>'} ${value}`].join(' and '))
    .join(' or ');
};

import type { EdgeStats, ExecutionResource, NodeStats } from '@runlog/contract';
import { type Dialect, pick } from '../dialect.js';
import { statusWords } from '../status-words.js';

/** Executions as graphs of actions: the nineteen members of its page. */
export const actionGraph: Dialect = {
  name: 'action-graph',
  fields: [
    'hashid',
    'actions_count',
    'completed_actions_count',
    'created_at',
    'created_at_string',
    'created_at_utc',
    'execution_data',
    'failed_actions_count',
    'id',
    'idle_actions_count',
    'key',
    'log',
    'name',
    'object',
    'running_actions_count',
    'stats',
    'status',
    'stopped_actions_count',
    'template',
  ],
  parts: { template: 'template', execution_data: 'execution_data', stats: 'stats' },
  execution: ({ execution }) => ({
    ...pick(execution, ['hashid', 'actions_count', 'completed_actions_count']),
    created_at: wholeSeconds(execution.created_at),
    created_at_string: execution.created_at_string,
    created_at_utc: wholeSeconds(execution.created_at_utc),
    execution_data: dataOf(execution),
    ...pick(execution, ['failed_actions_count', 'id', 'idle_actions_count', 'key']),
    log: execution.log.count === 0 ? {} : execution.log,
    ...pick(execution, ['name', 'object', 'running_actions_count']),
    stats: statsOf(execution),
    status: statusWords['action-graph'][execution.status],
    ...pick(execution, ['stopped_actions_count', 'template']),
  }),
  idsAreCursors: true,
  says: { list: { names: { starting_after: 'after', ending_before: 'before' }, more: true } },
};

const wholeSeconds = (time: string): string => time.replace(/\.\d+/, '');

/** null before the first output. */
const dataOf = ({ execution_data: data = {} }: ExecutionResource): ExecutionResource['execution_data'] | null => (Object.keys(data).length === 0 ? null : data);

const statsOf = ({ stats = {} }: ExecutionResource): object =>
  Object.fromEntries(Object.entries(stats).map(([name, one]) => [name, 'attempts' in one ? nodeStats(one) : edge(one)]));

const edge = ({ status }: EdgeStats): object => ({ status });

const nodeStats = ({ status, scheduled_at, completed_at, stopped_at, failed_at }: NodeStats): object => ({ status, scheduled_at, completed_at, stopped_at, failed_at });

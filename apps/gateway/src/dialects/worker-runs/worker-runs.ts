import { type Dialect, pick } from '../dialect.js';
import { statusWords } from '../status-words.js';

const kept = [
  'assigned_to_worker',
  'batch_id',
  'cancelled_at',
  'cancelled_by',
  'completed_at',
  'concurrency_key',
  'deployment_id',
  'error',
  'output_schema_name',
  'parent_execution_id',
  'queue_name',
  'result',
  'root_execution_id',
  'run_timeout_seconds',
  'session_id',
  'started_at',
  'step_key',
  'user_id',
] as const;

/** Runs that workers pick up: the twenty-four members of its page, always all of them. */
export const workerRuns: Dialect = {
  name: 'worker-runs',
  fields: ['created_at', 'id', 'payload', 'retry_count', 'status', 'workflow_id', ...kept],
  parts: {},
  execution: ({ execution }) => ({
    ...pick(execution, ['created_at', 'id', 'payload', 'retry_count']),
    status: statusWords['worker-runs'][execution.status],
    workflow_id: execution.workflow_id,
    ...pick(execution, kept),
  }),
  problem: ({ detail, code }) => ({ error: detail, error_type: code }),
  says: { create: { names: { payload: 'input' }, more: true } },
};

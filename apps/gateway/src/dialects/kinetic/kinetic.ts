import { type Dialect, endingOf, pick } from '../dialect.js';
import { statusWords } from '../status-words.js';

/** Runs of browser workflows: `/api/workflows/{id}/execute`, `/api/executions/{id}`. */
export const kinetic: Dialect = {
  name: 'kinetic',
  fields: [
    'id',
    'executionId',
    'execution_uuid',
    'workflow_id',
    'status',
    'error',
    'duration_ms',
    'n_steps',
    'n_agent_actions',
    'n_screenshots',
    'output_url',
    'video_url',
    'logs_url',
    'logs',
  ],
  parts: { logs: 'logs' },
  listless: true,
  execution: ({ execution, logs }) => ({
    id: execution.id,
    executionId: execution.id,
    execution_uuid: execution.id,
    workflow_id: execution.workflow_id,
    status: statusWords.kinetic[execution.status],
    error: endingOf(execution),
    ...pick(execution, ['duration_ms', 'n_steps', 'n_agent_actions', 'n_screenshots', 'output_url', 'video_url', 'logs_url']),
    logs,
  }),
  says: { create: { names: { inputPayload: 'input', input_payload: 'input', input: 'input', workflow_id: 'workflow_id' } } },
};

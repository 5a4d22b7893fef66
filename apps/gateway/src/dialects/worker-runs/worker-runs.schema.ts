import { id, idOrNull, json, object, oneOfWords, type Schema, textOrNull, time, timeOrNull } from '../../openapi/json-schema.js';
import { wordsOf } from '../status-words.js';

const int32: Schema = { type: 'integer', format: 'int32' };

/** Its run. */
export const workerRunsSchemas = {
  WorkerRun: object({
    created_at: time,
    id,
    payload: json,
    retry_count: int32,
    status: oneOfWords(wordsOf('worker-runs')),
    workflow_id: id,
    assigned_to_worker: textOrNull,
    batch_id: textOrNull,
    cancelled_at: timeOrNull,
    cancelled_by: textOrNull,
    completed_at: timeOrNull,
    concurrency_key: textOrNull,
    deployment_id: textOrNull,
    error: textOrNull,
    output_schema_name: textOrNull,
    parent_execution_id: idOrNull,
    queue_name: textOrNull,
    result: json,
    root_execution_id: idOrNull,
    run_timeout_seconds: { ...int32, type: ['integer', 'null'] },
    session_id: textOrNull,
    started_at: timeOrNull,
    step_key: textOrNull,
    user_id: textOrNull,
  }),
};

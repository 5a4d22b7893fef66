import { count, countOrNull, json, jsonObject, object, oneOfWords, orNull, type Schema, text, textOrNull, time, timeOrNull } from '../../openapi/json-schema.js';
import { wordsOf } from '../status-words.js';

const ksuid: Schema = { type: 'string', pattern: '^[0-9A-Za-z]{27}$' };
const ksuidOrNull: Schema = { ...ksuid, type: ['string', 'null'] };

/** Its execution, as it stands in `data`. */
export const agentsSchemas = {
  AgentsExecution: object({
    id: ksuid,
    execution_id: ksuid,
    agent_id: ksuidOrNull,
    agent_version_id: ksuidOrNull,
    workspace_id: ksuid,
    user_id: ksuidOrNull,
    session_id: textOrNull,
    status: oneOfWords(wordsOf('agents')),
    is_terminal: { type: 'boolean' },
    input: json,
    output: orNull(jsonObject),
    error: textOrNull,
    metadata: jsonObject,
    token_usage: object({ prompt_tokens: count, completion_tokens: count, total_tokens: count }),
    cost: { type: 'number', minimum: 0 },
    duration_ms: countOrNull,
    trace_id: orNull(text),
    started_at: timeOrNull,
    completed_at: timeOrNull,
    created_at: time,
  }),
};

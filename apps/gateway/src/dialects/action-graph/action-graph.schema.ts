import { count, id, jsonObject, mapOf, object, oneOfWords, orNull, ref, type Schema, text, time, timeOrNull } from '../../openapi/json-schema.js';
import { wordsOf } from '../status-words.js';

const edge = object({ status: oneOfWords(['open', 'closed']) });
const node = object({
  status: oneOfWords(['idle', 'scheduled', 'running', 'waiting', 'completed', 'failed', 'stopped', 'skipped']),
  scheduled_at: timeOrNull,
  completed_at: timeOrNull,
  stopped_at: timeOrNull,
  failed_at: timeOrNull,
});
const either: Schema = { anyOf: [node, edge] };

/** Its execution object. */
export const actionGraphSchemas = {
  ActionGraphExecution: object({
    hashid: text,
    actions_count: count,
    completed_actions_count: count,
    created_at: time,
    created_at_string: text,
    created_at_utc: time,
    execution_data: orNull(jsonObject),
    failed_actions_count: count,
    id,
    idle_actions_count: count,
    key: text,
    log: jsonObject,
    name: text,
    object: { const: 'execution' },
    running_actions_count: count,
    stats: mapOf(either),
    status: oneOfWords(wordsOf('action-graph')),
    stopped_actions_count: count,
    template: ref('Template'),
  }),
};

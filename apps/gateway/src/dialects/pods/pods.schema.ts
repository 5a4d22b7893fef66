import { arrayOf, count, countOrNull, id, json, mapOf, object, oneOfWords, ref, type Schema, text, textOrNull, time, timeOrNull } from '../../openapi/json-schema.js';
import { wordsOf } from '../status-words.js';

const nodeResult = object({
  status: oneOfWords(['pending', 'running', 'suspended', 'completed', 'failed', 'cancelled', 'skipped']),
  output: json,
  error: textOrNull,
  startedAt: timeOrNull,
  finishedAt: timeOrNull,
  durationMs: countOrNull,
});

const members = {
  id,
  workspaceId: id,
  podId: id,
  workflowId: id,
  status: oneOfWords(wordsOf('pods')),
  triggeredBy: { type: 'string', description: 'manual, webhook, schedule, parent, retry or replay' },
  input: json,
  output: json,
  error: textOrNull,
  nodeResults: { ...mapOf(nodeResult), description: 'By node id' },
  startedAt: timeOrNull,
  completedAt: timeOrNull,
  finishedAt: { ...timeOrNull, description: 'The same as completedAt' },
  createdAt: time,
  durationMs: countOrNull,
};

/** Its execution (`fields` may leave out members) and log line, and lists of them. */
export const podsSchemas: Readonly<Record<string, Schema>> = {
  PodsExecution: object(members, Object.keys(members)),
  PodsExecutions: arrayOf(ref('PodsExecution')),
  PodsLogLine: object({
    seq: count,
    at: time,
    level: oneOfWords(['debug', 'info', 'warn', 'error']),
    nodeId: textOrNull,
    attempt: countOrNull,
    message: text,
    fields: json,
  }),
  PodsLogLines: arrayOf(ref('PodsLogLine')),
};

import { arrayOf, count, countOrNull, id, object, oneOfWords, ref, type Schema, textOrNull } from '../../openapi/json-schema.js';
import { wordsOf } from '../status-words.js';

const uri: Schema = { type: 'string', format: 'uri' };
const uriOrNull: Schema = { type: ['string', 'null'], format: 'uri' };

const members = {
  id,
  executionId: id,
  execution_uuid: id,
  workflow_id: id,
  status: oneOfWords(wordsOf('kinetic')),
  error: textOrNull,
  duration_ms: countOrNull,
  n_steps: count,
  n_agent_actions: count,
  n_screenshots: count,
  output_url: { ...uriOrNull, description: 'Once there is output; needs the same key' },
  video_url: uriOrNull,
  logs_url: uri,
  logs: { ...arrayOf(ref('LogLine')), description: 'The last 1,000 lines, oldest first' },
};

/** Its execution; `fields` may leave out members. */
export const kineticSchemas = { KineticExecution: object(members, Object.keys(members)) };

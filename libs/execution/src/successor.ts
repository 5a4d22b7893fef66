import { createHash } from 'node:crypto';
import type { CreatedData } from './commands.js';
import type { EventData } from './events.js';
import type { ExecutionId, Instant } from './ids.js';

/** The id of the `number`th retry of an execution, asked for at `at`: a UUIDv7 of that time whose random bits are derived, so that everybody finds the same. */
export const successorId = (source: ExecutionId, number: number, at: Instant): ExecutionId => {
  const time = at.toString(16).padStart(12, '0').slice(-12);
  const hash = createHash('sha256').update(`retry:${source}:${number}`).digest('hex');
  const variant = ((Number.parseInt(hash.slice(3, 4), 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
};

/** What a retry creates: input, pinned version, metadata, tags and scope are the source's. */
export const successorOf = (source: ExecutionId, created: CreatedData, { asked_by, hashid, key, name, run_number }: EventData['ExecutionSuperseded']): CreatedData => ({
  ...created,
  hashid,
  key,
  name,
  run_number,
  created_by: asked_by,
  trigger: { kind: 'retry', id: source },
  batch_id: null,
  retry_of: source,
  replay_of: null,
  retry_count: created.retry_count + 1,
});

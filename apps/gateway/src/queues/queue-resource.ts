import type { QueueDetailResource, QueueResource, QueueSettingsResource } from '@runlog/contract';
import type { Queue, QueueChange, QueueHolder, QueueSettings } from '@runlog/read-model';
import { utc } from '../executions/execution-times.js';
import type { QueueBody } from './queues.dto.js';

/** What a body sets; members that it lacks are not there. */
export const settingsIn = ({ limit, key_limit, strategy, ttl_seconds, paused }: QueueBody): Partial<QueueSettings> => ({
  ...(limit === undefined ? {} : { slots: limit }),
  ...(key_limit === undefined ? {} : { keySlots: key_limit }),
  ...(strategy === undefined ? {} : { strategy }),
  ...(ttl_seconds === undefined ? {} : { ttlSeconds: ttl_seconds }),
  ...(paused === undefined ? {} : { paused }),
});

const settingsResource = ({ slots, keySlots, strategy, ttlSeconds, paused }: QueueSettings): QueueSettingsResource => ({
  limit: slots,
  key_limit: keySlots,
  strategy,
  ttl_seconds: ttlSeconds,
  paused,
});

const time = (at: number | null): string | null => (at === null ? null : utc(at));

export const queueResource = (queue: Queue): QueueResource => ({
  object: 'queue',
  name: queue.name,
  ...settingsResource(queue),
  counts: { held: queue.held, waiting: queue.waiting },
  created_at: time(queue.createdAt),
  updated_at: time(queue.updatedAt),
  updated_by: queue.updatedBy,
});

export const queueDetail = (queue: Queue, holders: readonly QueueHolder[], changes: readonly QueueChange[]): QueueDetailResource => ({
  ...queueResource(queue),
  holders: holders.map(({ executionId, key, since }) => ({ execution_id: executionId, concurrency_key: key === '' ? null : key, since: utc(since) })),
  changes: changes.map(({ at, by, settings }) => ({ at: utc(at), by, ...settingsResource(settings) })),
});

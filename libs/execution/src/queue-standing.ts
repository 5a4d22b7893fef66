import type { RecordedEvent } from './events.js';
import type { ExecutionId, Instant, WorkspaceId } from './ids.js';

/** What an execution brings to its queue; it never changes. */
export interface QueueFacts {
  readonly workspaceId: WorkspaceId;
  readonly executionId: ExecutionId;
  readonly queue: string;
  /** '' without one. */
  readonly key: string;
  /** Seconds of head start. */
  readonly priority: number;
  /** When it came to the queue for the first time. */
  readonly queuedAt: Instant;
  /** The execution's own; null: the queue's. */
  readonly ttlSeconds: number | null;
}

/**
 * Where an execution of a queue stands with its slot: it waits for one (`again`: after it was suspended), holds one, rests (suspended)
 * or is gone. `ticket` is the version of the event that made it so; admission leaves the ticket that asked.
 */
export interface QueueStanding extends QueueFacts {
  readonly state: 'waiting' | 'held' | 'resting' | 'gone';
  readonly ticket: number;
  readonly again: boolean;
  /** When it asked, or left. */
  readonly since: Instant;
}

/** The standing after an event; null: the execution is in no queue. The same object: nothing has changed. */
export const foldStanding = (standing: QueueStanding | null, event: RecordedEvent): QueueStanding | null => {
  if (event.type === 'ExecutionQueued') return entered(event);
  if (!standing) return null;
  switch (event.type) {
    case 'ExecutionStarted':
    case 'ExecutionResumed':
      return { ...standing, state: 'held', again: true, ticket: standing.state === 'waiting' ? standing.ticket : event.version };
    case 'ExecutionSuspended':
      return { ...standing, state: event.data.reason === SLOT ? 'waiting' : 'resting', ticket: event.version, since: event.at };
    case 'ExecutionCompleted':
    case 'ExecutionFailed':
    case 'ExecutionRejected':
    case 'ExecutionCancelled':
      return { ...standing, state: 'gone', ticket: event.version, since: event.at };
    default:
      return standing;
  }
};

/** Why an execution is suspended that could go on and waits for a slot. */
export const SLOT = 'slot';

const entered = (event: Extract<RecordedEvent, { type: 'ExecutionQueued' }>): QueueStanding | null => {
  const { queue_name, concurrency_key, priority, ttl_seconds } = event.data;
  if (queue_name === null) return null;
  return {
    workspaceId: event.workspaceId,
    executionId: event.executionId,
    queue: queue_name,
    key: concurrency_key ?? '',
    priority: priority ?? 0,
    queuedAt: event.at,
    ttlSeconds: ttl_seconds ?? null,
    state: 'waiting',
    ticket: event.version,
    again: false,
    since: event.at,
  };
};

import type { ExecutionStatus } from '@runlog/contract';
import { type EventResourceSource, eventText } from '../executions/event-resource.js';
import type { frame } from './sse-frame.js';

export type Frame = Parameters<typeof frame>[0];

/** Where a client stands: it has everything up to a version, and so many frames of the one after it. */
export interface EventPosition {
  readonly version: number;
  readonly frames: number;
}

/** How an execution stood when its stream was asked for. */
interface Standing {
  readonly status: ExecutionStatus;
  readonly version: number;
}

/** What a stream of events says, frame by frame. */
export interface EventScript {
  /** Of an event; each is told once and in order. */
  frames(event: EventResourceSource): readonly Frame[];
  /** After the last event. */
  end(standing: Standing): readonly Frame[];
  /** Instead of any event, because there is none left to tell. */
  ended(standing: Standing): readonly Frame[];
  /** To a client whose last id never was, or is no longer kept: the execution as it stands at that version. */
  reset(snapshot: unknown, version: number): Frame;
  /** Before the stream is closed for its age. */
  readonly reconnect: Frame;
}

const done = ({ status, version }: Standing): readonly Frame[] => [{ event: 'done', data: JSON.stringify({ status, version }) }];

/** Every event as the history has it. */
export const canonicalScript: EventScript = {
  frames: (event) => [{ id: event.version, event: event.type, data: eventText(event) }],
  end: done,
  ended: done,
  reset: (snapshot, version) => ({ id: version, event: 'reset', data: JSON.stringify(snapshot) }),
  reconnect: { event: 'reconnect', data: '{}' },
};

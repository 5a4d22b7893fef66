import { malformed } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import type { EventPosition } from './event-script.js';

/** The ids of every stream: a version or number, and in some the frame within it. */
export const LAST_EVENT_ID = /^\d{1,15}(\.\d{1,15})?$/;

/** Throws a 400 problem for a Last-Event-ID that no stream has, whether or not this is one. An empty one is none. */
export const checkLastEventId = (request: Pick<ApiRequest, 'get'>): void => {
  const given = request.get('last-event-id');
  if (given !== undefined && given !== '' && !LAST_EVENT_ID.test(given))
    throw malformed('invalid_last_event_id', 'Last-Event-ID', `Expected the id of a frame, but got '${given}'`);
};

const foreignId = (given: string) => malformed('invalid_last_event_id', 'Last-Event-ID', `Expected the id of a frame of this stream, but got '${given}'`);

/**
 * Where a reconnecting client stands: the header wins over `?last_event_id`, which EventSource-less clients send. null: a first connect.
 * Throws a 400 problem for what `read` says is no id of this stream.
 */
export const lastPosition = <Position>(request: Pick<ApiRequest, 'get'>, parameter: string | undefined, read: (id: string) => Position | null): Position | null => {
  const header = request.get('last-event-id');
  const given = header === undefined || header === '' ? parameter : header;
  if (given === undefined) return null;
  const position = read(given);
  if (position === null) throw foreignId(given);
  return position;
};

const numberIn = (id: string): number | null => (/^\d{1,15}$/.test(id) ? Number(id) : null);

/** The same where ids are numbers. */
export const lastEventId = (request: Pick<ApiRequest, 'get'>, parameter: string | undefined): number | null => lastPosition(request, parameter, numberIn);

/** Throws a 400 problem for a last id that is no plain number, where ids are: also where no stream is asked for. */
export const checkNumbered = (request: Pick<ApiRequest, 'get'>, parameter: string | undefined): void => {
  for (const given of [request.get('last-event-id'), parameter]) if (given && numberIn(given) === null) throw foreignId(given);
};

/** The same in the canonical stream of events. */
export const eventPositionOf = (id: string): EventPosition | null => {
  const version = numberIn(id);
  return version === null ? null : { version, frames: 0 };
};

/** Where a client of a stream of frames stands: the version and the offset of its last frame, or only a version. */
export interface FramePosition {
  readonly version: number;
  readonly n: number | null;
}

/** The same where frames are numbered `<version>.<n>`. */
export const lastFrame = (request: Pick<ApiRequest, 'get'>, parameter: string | undefined): FramePosition | null =>
  lastPosition(request, parameter, (id) => {
    const [, version, n] = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(id) ?? [];
    return version === undefined ? null : { version: Number(version), n: n === undefined ? null : Number(n) };
  });

/** Whether the client would rather have a stream than pages. */
export const wantsStream = (request: Pick<ApiRequest, 'get'>): boolean =>
  (request.get('accept') ?? '').split(',').some((range) => range.split(';')[0]?.trim().toLowerCase() === 'text/event-stream');

import { malformed } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';

/** Where a reconnecting client stands: the header wins over `?last_event_id`, which EventSource-less clients send. null: a first connect. */
export const lastEventId = (request: Pick<ApiRequest, 'get'>, parameter: string | undefined): number | null => {
  const header = request.get('last-event-id');
  const given = header === undefined || header === '' ? parameter : header;
  if (given === undefined) return null;
  if (!/^\d{1,15}$/.test(given)) throw malformed('invalid_last_event_id', 'Last-Event-ID', `Expected the id of a frame of this stream, but got '${given}'`);
  return Number(given);
};

/** The same where frames are numbered `<version>.<n>`: the version. */
export const lastFrameVersion = (request: Pick<ApiRequest, 'get'>, parameter: string | undefined): number | null => {
  const plain = (id: string | undefined) => id?.replace(/\.\d{1,9}$/, '');
  return lastEventId({ get: (name) => plain(request.get(name)) } as Pick<ApiRequest, 'get'>, plain(parameter));
};

/** Whether the client would rather have a stream than pages. */
export const wantsStream = (request: Pick<ApiRequest, 'get'>): boolean =>
  (request.get('accept') ?? '').split(',').some((range) => range.split(';')[0]?.trim().toLowerCase() === 'text/event-stream');

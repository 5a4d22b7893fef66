import type { Response } from 'express';
import type { Principal } from '../auth/principal.js';
import type { ApiRequest } from '../http/request.js';
import { checkNumbered, wantsStream } from '../streams/last-event-id.js';
import type { Histories } from './histories.js';
import type { LogsQuery } from './history.dto.js';
import { type Links, presentationOf } from './presentation.js';

/** Log lines as they are wanted: a page as JSON or ndjson, or (`follow`) a stream. */
export class LogAnswers {
  constructor(
    private readonly histories: Histories,
    private readonly links: Links,
  ) {}

  async send(request: ApiRequest, response: Response, who: Principal, ref: string, query: LogsQuery): Promise<void> {
    checkNumbered(request, query.last_event_id);
    const { dialect, address } = presentationOf(request, {}, this.links.publicUrl, true);
    if (query.follow === true || (query.follow === undefined && wantsStream(request))) return this.histories.streamLogs(who, ref, request, query, response);
    const page = await this.histories.logs(who, ref, query);
    response.status(200);
    if (query.format === 'ndjson') {
      const { logLine = (line: unknown) => line } = dialect;
      if (page.next_cursor !== null) response.set('Link', `<${nextPage(request, page.next_cursor)}>; rel="next"`);
      return void response.type('application/x-ndjson').send(page.data.map((line) => `${JSON.stringify(logLine(line))}\n`).join(''));
    }
    const { body, headers = {} } = dialect.logs ? dialect.logs({ ...page, here: `${address}${request.originalUrl}` }) : { body: page };
    response.set(headers).json(body);
  }
}

/** The same request from this cursor on. */
const nextPage = (request: ApiRequest, after: string): string => {
  const { pathname, searchParams } = new URL(request.originalUrl, 'http://here');
  searchParams.set('after', after);
  return `${pathname}?${searchParams}`;
};

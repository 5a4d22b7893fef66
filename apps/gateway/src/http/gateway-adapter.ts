import { ExpressAdapter } from '@nestjs/platform-express';
import type { Response } from 'express';
import { Answer } from './answer.js';
import type { ApiRequest } from './request.js';

/**
 * Express, and how what a route returns leaves: an `Answer` as it says, any other value as a 200 with that body. It is here and not in an
 * interceptor because Nest makes a dozen streams for each request where there is one.
 */
export class GatewayAdapter extends ExpressAdapter {
  override async reply(response: Response, returned: unknown, status?: number): Promise<void> {
    const { act, line } = response.req as ApiRequest;
    const answer = returned instanceof Answer ? returned : new Answer(status ?? 200, returned);
    if (act) await act.keep(answer.status);
    line?.release();
    if (line?.isCommitted) return line.end(answer.body);
    response.status(answer.status).set(answer.headers);
    if (isUsual(response, answer.body)) sendJson(response, answer.body);
    else super.reply(response, answer.body);
  }
}

/** Whether JSON is all that there is to the answer: no other form, no condition under which it has no body. */
const isUsual = (response: Response, body: unknown): boolean => {
  const { method, headers } = response.req;
  return (
    body?.constructor === Object &&
    response.statusCode < 204 &&
    method !== 'HEAD' &&
    headers['if-none-match'] === undefined &&
    headers['if-modified-since'] === undefined &&
    !response.hasHeader('Content-Type')
  );
};

/** As `response.json` does, without what it looks up each time. */
const sendJson = (response: Response, body: unknown): void => {
  const text = JSON.stringify(body);
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  const bytes = Buffer.byteLength(text);
  response.setHeader('Content-Length', bytes);
  // Of ASCII the bytes are the same, and need not be looked for.
  response.end(text, bytes === text.length ? 'latin1' : 'utf8');
};

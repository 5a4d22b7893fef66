import { randomFillSync } from 'node:crypto';
import { readTraceparent } from '@runlog/execution';
import type { RequestTracer } from '@runlog/platform';
import type { Request, Response } from 'express';
import type { ApiRequest } from './request.js';

/** Asked for all the time, by machines, and about nobody's work. */
const unmeasured = /^\/(health|metrics)(\/|$)/;

/**
 * Gives each request its place in a trace: the caller's (W3C Trace Context), else a new one. Where spans are exported the request is measured as one
 * of them, and what it causes goes on from that; else it goes on from the caller's own span.
 */
export const traceRequest = (tracer: RequestTracer | undefined, request: Request, response: Response): void => {
  const given = request.get('traceparent');
  const parent = readTraceparent(given);
  if (!tracer || unmeasured.test(request.path)) {
    (request as ApiRequest).traceparent = parent ? (given as string) : newTraceparent();
    return;
  }
  const span = tracer.begin(request.method, parent, { 'http.request.method': request.method, 'url.scheme': request.protocol, 'server.address': request.hostname });
  (request as ApiRequest).traceparent = span.traceparent;
  response.once('close', () => {
    const route = routeOf(request);
    const { statusCode } = response;
    const error = response.writableFinished ? (statusCode >= 500 ? String(statusCode) : undefined) : 'closed';
    const attributes = {
      // Without the query, which may hold a token; a path that holds one is its route.
      'url.path': route?.includes('token') ? route : request.path,
      'http.response.status_code': statusCode,
      'runlog.request.id': (request as ApiRequest).requestId,
      ...(route === undefined ? {} : { 'http.route': route }),
      ...(error === undefined ? {} : { 'error.type': error }),
    };
    span.end(route === undefined ? request.method : `${request.method} ${route}`, attributes, error);
  });
};

/** As it was declared; undefined: there is none for this path. */
const routeOf = (request: Request): string | undefined => {
  const path = (request.route as { path?: unknown } | undefined)?.path;
  return typeof path === 'string' ? path : undefined;
};

const ID_BYTES = 24;
/** Drawn for many at once, which costs as much as for one. */
const drawn = Buffer.alloc(64 * ID_BYTES);
let used = drawn.length;

const newTraceparent = (): string => {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  const random = drawn.toString('hex', used, (used += ID_BYTES));
  return `00-${random.slice(0, 32)}-${random.slice(32)}-01`;
};

import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { RecordTooLarge } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';
import type { Response } from 'express';
import { keyOf } from '../auth/key.guard.js';
import type { KeyRing } from '../auth/key-ring.js';
import type { Dialect } from '../dialects/dialect.js';
import { dialectOfProblem } from '../dialects/spoken.js';
import { inTheirWords } from '../dialects/translate.js';
import { Problem, type ProblemKind, type ProblemPointer } from './problem.js';
import type { ApiRequest } from './request.js';
import type { RouteTable } from './route-table.js';

const statusOf: Record<ProblemKind, number> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  unknown: 404,
  method: 405,
  conflict: 409,
  stale: 412,
  too_large: 413,
  media_type: 415,
  range: 416,
  invalid: 422,
  too_many: 429,
  failed: 500,
  unavailable: 503,
};

/** The status that a failure is answered with, before a dialect has its say. */
const statusOfFailure = (error: unknown): number => (error instanceof Problem ? statusOf[error.kind] : error instanceof HttpException ? error.getStatus() : 500);

/** The body of a problem (RFC 9457) with the members that every Runlog problem has, and those of the caller's dialect. */
export const problemBody = (problem: Problem, { requestId, names = new Map() }: ApiRequest, dialect: Dialect) => {
  const plain = statusOf[problem.kind];
  const status = dialect.problemStatuses?.[plain] ?? plain;
  const errors = inTheirWords(problem.more.errors ?? [], names);
  const body = {
    type: `urn:runlog:problem:${problem.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: detailIn(problem, errors),
    code: problem.code,
    request_id: requestId,
    errors,
    ...(problem.more.state === undefined ? {} : { state: problem.more.state }),
  };
  return { ...body, ...dialect.problem?.(body) };
};

/** A detail that tells the first error tells it in the same words. */
const detailIn = ({ message, more: { errors: [ours] = [] } }: Problem, [theirs]: readonly ProblemPointer[]): string =>
  ours && theirs && ours !== theirs && message === `${ours.pointer}: ${ours.detail}` ? `${theirs.pointer}: ${theirs.detail}` : message;

/** Every failure leaves here, as problem+json; HTTP statuses of failures appear nowhere else. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly routes: RouteTable,
    private readonly logger: Logger,
    private readonly keys: KeyRing,
  ) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const request = host.switchToHttp().getRequest<ApiRequest>();
    const response = host.switchToHttp().getResponse<Response>();
    request.line?.release();
    await request.act?.keepFailure(statusOfFailure(error));
    await this.learnDialect(request);
    const problem = this.problemOf(error, request);
    if (problem.kind === 'failed') this.logger.error({ err: error, request_id: request.requestId, method: request.method, path: request.path }, 'a request failed');
    if (problem.kind === 'unavailable' && problem !== error) this.logger.warn({ err: error, request_id: request.requestId }, 'a request could not be served');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const body = problemBody(problem, request, dialectOfProblem(request));
    for (const name of ['ETag', 'Last-Modified', 'Location']) response.removeHeader(name);
    response.status(body.status).set({ 'Cache-Control': 'no-store', ...problem.more.headers });
    response.type('application/problem+json').send(JSON.stringify(body));
  }

  /** Where no route is matched nobody has looked at the key, whose dialect the problem is told in. One that says nothing is not missed. */
  private async learnDialect(request: ApiRequest): Promise<void> {
    if (request.principal || this.routes.methodsAt(request.path).includes(request.method)) return;
    try {
      const key = keyOf(request);
      const principal = key === undefined ? null : await this.keys.principalOf(key);
      if (principal) request.principal = principal;
    } catch {
      // The problem at hand says more.
    }
  }

  private problemOf(error: unknown, request: ApiRequest): Problem {
    if (error instanceof Problem) return error;
    const status = error instanceof HttpException ? error.getStatus() : statusIn(error);
    if (status === 404) return this.unmatched(request);
    if (status === 400) return new Problem('malformed', 'malformed_request', 'Expected a request that can be read, but its URL or headers cannot');
    if (status === 413) return new Problem('too_large', 'body_too_large', 'Expected a smaller request');
    return problemIn(error);
  }

  private unmatched(request: ApiRequest): Problem {
    const allowed = this.routes.methodsAt(request.path);
    if (allowed.length === 0 || allowed.includes(request.method)) return new Problem('unknown', 'route_not_found', `Expected a route at '${request.path}', but there is none`);
    const allow = allowed.join(', ');
    return new Problem('method', 'method_not_allowed', `Expected one of ${allow} at '${request.path}', but got ${request.method}`, { headers: { Allow: allow } });
  }
}

/** Any failure of a request that reached its route, as its caller is told of it. */
export const problemIn = (error: unknown): Problem => {
  if (error instanceof Problem) return error;
  if (error instanceof RecordTooLarge)
    return new Problem('too_large', 'body_too_large', `Expected the request to fit a record of ${error.limit} bytes, but it needs ${error.bytes}`);
  if (isDown(error))
    return new Problem('unavailable', 'unavailable', 'Expected the database and the log to answer, but one of them does not; try again', { headers: { 'Retry-After': '1' } });
  return new Problem('failed', 'internal_error', 'Expected to serve the request, but something failed inside; the request id is in the log');
};

const statusIn = (error: unknown): number | undefined => {
  const status = (error as { status?: unknown } | null)?.status;
  return typeof status === 'number' ? status : undefined;
};

const DOWN = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', '57P01', '57P02', '57P03', '53300', '08006', '08001', '08003']);

/** Infrastructure that is away for now: the caller may try again. */
const isDown = (error: unknown): boolean => {
  const { code, cause, name } = (error ?? {}) as { code?: unknown; cause?: unknown; name?: unknown };
  return (typeof code === 'string' && DOWN.has(code)) || name === 'ReadsUnavailable' || (cause !== undefined && isDown(cause));
};

import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { Response } from 'express';
import { finalize, map, mergeMap, NEVER, type Observable, of } from 'rxjs';
import { KeptLine } from './kept-line.js';
import type { ApiRequest } from './request.js';

/** What a route answers when 200 and no headers are not enough. Stored as it is for an Idempotency-Key. */
export class Answer {
  constructor(
    readonly status: number,
    readonly body?: unknown,
    readonly headers: Readonly<Record<string, string>> = {},
    /** Something of it may turn out otherwise: a repeat with the same Idempotency-Key tries again instead of getting this. */
    readonly isProvisional = false,
  ) {}
}

/** Writes an `Answer`; any other value is a 200 with that body. */
@Injectable()
export class AnswerInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const response = context.switchToHttp().getResponse<Response>();
    const request = context.switchToHttp().getRequest<ApiRequest>();
    const answered = next.handle().pipe(
      map((value: unknown) => {
        if (!(value instanceof Answer)) {
          if (!response.headersSent) response.status(200);
          return value;
        }
        if (!response.headersSent) response.status(value.status).set(value.headers);
        return value.body;
      }),
    );
    if (request.method !== 'POST' || !request.dialect?.keepsLine) return answered;
    const line = new KeptLine(response);
    return answered.pipe(
      mergeMap((body) => {
        if (!line.isCommitted) return of(body);
        line.end(body);
        // Everything is sent; nobody may answer again.
        return NEVER;
      }),
      finalize(() => line.release()),
    );
  }
}

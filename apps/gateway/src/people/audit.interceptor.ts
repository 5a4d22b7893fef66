import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { catchError, from, map, mergeMap, type Observable, throwError } from 'rxjs';
import { permissionOf } from '../auth/requires.js';
import { Answer } from '../http/answer.js';
import { statusOfFailure } from '../http/problem.filter.js';
import type { ApiRequest } from '../http/request.js';
import { AuditTrail, isWrite } from './audit-trail.js';

/**
 * Keeps who did what: every write but creates of executions, which say it themselves (`created_by`). The entry is there before the answer
 * leaves; a write whose entry can't be kept is answered with a 500, so that nothing goes unseen.
 */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(private readonly audit: AuditTrail) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<ApiRequest>();
    const permission = permissionOf(context.getHandler());
    const who = request.principal;
    if (!isWrite(request) || !who || permission === 'executions:create') return next.handle();
    return next.handle().pipe(
      mergeMap((answer: unknown) => from(this.audit.keep(context, who, answer instanceof Answer ? answer.status : 200)).pipe(map(() => answer))),
      catchError((error: unknown) => from(this.audit.keepFailure(context, who, statusOfFailure(error))).pipe(mergeMap(() => throwError(() => error)))),
    );
  }
}

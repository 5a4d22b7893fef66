import type { CanActivate, ExecutionContext, Type } from '@nestjs/common';
import type { Response } from 'express';
import { dialectOf, isChoosable } from '../dialects/spoken.js';
import { translateBody, translateQuery } from '../dialects/translate.js';
import { idempotencyKeyOf } from '../idempotency.js';
import type { AuditTrail } from '../people/audit-trail.js';
import { checkLastEventId } from '../streams/last-event-id.js';
import { type BodyLimit, readJsonBody } from './json-body.js';
import { KeptLine } from './kept-line.js';
import { malformed, Problem } from './problem.js';
import type { ApiRequest } from './request.js';
import { validated } from './validation.js';

const BODY = '3:';
const QUERY = '4:';
const routeArguments = '__routeArguments__';

/**
 * Reads what the matched route takes, after the key was checked, puts it into our words and checks it: its body if it declares one; a route
 * that declares no query refuses every parameter but the choice of a dialect.
 */
export class RequestGuard implements CanActivate {
  private readonly taken = new WeakMap<object, Taken>();

  constructor(
    private readonly limit: BodyLimit,
    private readonly audit: AuditTrail,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ApiRequest>();
    // Express reads it anew each time.
    Object.defineProperty(request, 'query', { value: request.query, writable: true });
    const dialect = dialectOf(request);
    checkLastEventId(request);
    idempotencyKeyOf(request);
    request.dialect = dialect;
    const taken = this.takenBy(context);
    const { dialect: chosen, ...rest } = request.query;
    const query = translateQuery(dialect, taken.query, isChoosable(request) ? rest : { ...rest, ...(chosen === undefined ? {} : { dialect: chosen }) });
    request.names = query.names;
    for (const [name, value] of Object.entries(query.members)) {
      if (!taken.query) throw malformed('unknown_parameter', name, `Expected no query parameter '${name}' here`);
      for (const text of [name, value].flat())
        if (typeof text === 'string' && (text.includes('\0') || !text.isWellFormed())) throw malformed('invalid_query', 'query', 'Expected query parameters without NUL');
    }
    let members: Record<string, unknown> = {};
    if (taken.body) {
      const given = await readJsonBody(request, this.limit.of(taken.body));
      if (typeof given !== 'object' || given === null || Array.isArray(given))
        throw new Problem('invalid', 'invalid_body', 'Expected a JSON object as body', { errors: [{ pointer: '', detail: 'Expected an object' }] });
      const body = translateBody(dialect, taken.body, given);
      if (body.names.size > 0) request.names = new Map([...query.names, ...body.names]);
      request.wantsAnswerAtOnce = dialect.wantsAnswerAtOnce?.(given) ?? false;
      members = body.members;
    }
    // From here on it is tried, and what becomes of it is written down.
    request.act = this.audit.actOf(context);
    request.query = (taken.query ? validated('query', taken.query, query.members) : query.members) as ApiRequest['query'];
    if (taken.body) request.body = validated('body', taken.body, members);
    if (request.method === 'POST' && dialect.keepsLine) request.line = new KeptLine(context.switchToHttp().getResponse<Response>());
    return true;
  }

  private takenBy(context: ExecutionContext): Taken {
    const handler = context.getHandler();
    let taken = this.taken.get(handler);
    if (!taken) this.taken.set(handler, (taken = argumentsOf(context)));
    return taken;
  }
}

/** The classes that a route's body and query are read as, where it takes them. */
interface Taken {
  readonly body?: Type;
  readonly query?: Type;
}

const argumentsOf = (context: ExecutionContext): Taken => {
  const [controller, { name }] = [context.getClass(), context.getHandler()];
  const types = (Reflect.getMetadata('design:paramtypes', controller.prototype as object, name) ?? []) as Type[];
  const keys = Object.keys((Reflect.getMetadata(routeArguments, controller, name) ?? {}) as object);
  const typeOf = (kind: string): Type | undefined => {
    const key = keys.find((one) => one.startsWith(kind));
    return key === undefined ? undefined : types[Number(key.slice(kind.length))];
  };
  return { body: typeOf(BODY), query: typeOf(QUERY) };
};

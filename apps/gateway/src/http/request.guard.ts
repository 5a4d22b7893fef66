import { type CanActivate, type ExecutionContext, Injectable, type Type } from '@nestjs/common';
import { dialectOf, isChoosable } from '../dialects/spoken.js';
import { translateBody, translateQuery } from '../dialects/translate.js';
import { idempotencyKeyOf } from '../idempotency.js';
import { checkLastEventId } from '../streams/last-event-id.js';
import { BodyLimit, readJsonBody } from './json-body.js';
import { malformed, Problem } from './problem.js';
import type { ApiRequest } from './request.js';

const BODY = '3:';
const QUERY = '4:';
const routeArguments = '__routeArguments__';

/**
 * Reads what the matched route takes, after the key was checked, and puts it into our words: its body if it declares one; a route that
 * declares no query refuses every parameter but the choice of a dialect.
 */
@Injectable()
export class RequestGuard implements CanActivate {
  constructor(private readonly limit: BodyLimit) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ApiRequest>();
    const dialect = dialectOf(request);
    checkLastEventId(request);
    idempotencyKeyOf(request);
    request.dialect = dialect;
    const taken = argumentsOf(context);
    const { dialect: chosen, ...rest } = request.query;
    const query = translateQuery(dialect, taken.query, isChoosable(request) ? rest : { ...rest, ...(chosen === undefined ? {} : { dialect: chosen }) });
    request.names = query.names;
    Object.defineProperty(request, 'query', { value: query.members });
    for (const [name, value] of Object.entries(query.members)) {
      if (!taken.query) throw malformed('unknown_parameter', name, `Expected no query parameter '${name}' here`);
      for (const text of [name, value].flat())
        if (typeof text === 'string' && (text.includes('\0') || !text.isWellFormed())) throw malformed('invalid_query', 'query', 'Expected query parameters without NUL');
    }
    if (taken.body) {
      const given = await readJsonBody(request, this.limit.of(taken.body));
      if (typeof given !== 'object' || given === null || Array.isArray(given))
        throw new Problem('invalid', 'invalid_body', 'Expected a JSON object as body', { errors: [{ pointer: '', detail: 'Expected an object' }] });
      const body = translateBody(dialect, taken.body, given);
      request.names = new Map([...query.names, ...body.names]);
      request.wantsAnswerAtOnce = dialect.wantsAnswerAtOnce?.(given) ?? false;
      request.body = body.members;
    }
    return true;
  }
}

/** The classes that the route's body and query are read as, where it takes them. */
const argumentsOf = (context: ExecutionContext): { body?: Type; query?: Type } => {
  const [controller, { name }] = [context.getClass(), context.getHandler()];
  const types = (Reflect.getMetadata('design:paramtypes', controller.prototype as object, name) ?? []) as Type[];
  const keys = Object.keys((Reflect.getMetadata(routeArguments, controller, name) ?? {}) as object);
  const typeOf = (kind: string): Type | undefined => {
    const key = keys.find((one) => one.startsWith(kind));
    return key === undefined ? undefined : types[Number(key.slice(kind.length))];
  };
  return { body: typeOf(BODY), query: typeOf(QUERY) };
};

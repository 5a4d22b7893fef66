import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { readJsonBody } from './json-body.js';
import { malformed, Problem } from './problem.js';
import type { ApiRequest } from './request.js';

const BODY = '3:';
const QUERY = '4:';
const routeArguments = '__routeArguments__';

/**
 * Reads what the matched route takes, after the key was checked: its body if it declares one; a route that declares no query
 * refuses every parameter.
 */
@Injectable()
export class RequestGuard implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ApiRequest>();
    const taken = Object.keys((Reflect.getMetadata(routeArguments, context.getClass(), context.getHandler().name) ?? {}) as object);
    for (const [name, value] of Object.entries(request.query)) {
      if (!taken.some((key) => key.startsWith(QUERY))) throw malformed('unknown_parameter', name, `Expected no query parameter '${name}' here`);
      for (const text of [name, value].flat())
        if (typeof text === 'string' && (text.includes('\0') || !text.isWellFormed())) throw malformed('invalid_query', 'query', 'Expected query parameters without NUL');
    }
    if (taken.some((key) => key.startsWith(BODY))) {
      const body = await readJsonBody(request);
      if (typeof body !== 'object' || body === null || Array.isArray(body))
        throw new Problem('invalid', 'invalid_body', 'Expected a JSON object as body', { errors: [{ pointer: '', detail: 'Expected an object' }] });
      request.body = body;
    }
    return true;
  }
}

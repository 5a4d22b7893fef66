import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { malformed, Problem } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import { type AuditTrail, isWrite } from '../people/audit-trail.js';
import type { KeyRing } from './key-ring.js';
import type { RateLimit } from './rate-limit.js';
import { allows, permissionOf } from './requires.js';

/** Every route but the public ones needs a key whose role has the permission that the route declares. */
@Injectable()
export class KeyGuard implements CanActivate {
  constructor(
    private readonly keys: KeyRing,
    private readonly rate: RateLimit,
    private readonly audit: AuditTrail,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const permission = permissionOf(context.getHandler());
    if (permission === 'public') return true;
    const request = context.switchToHttp().getRequest<ApiRequest>();
    const key = keyOf(request);
    if (key === undefined) throw unauthenticated('Expected an API key in Authorization: Bearer, X-API-Key or kinetic-api-key, but there is none');
    const principal = await this.keys.principalOf(key);
    if (!principal) throw unauthenticated('Expected a valid API key, but this one is unknown or revoked');
    // From here on problems, too, are in the words of the key.
    request.principal = principal;
    this.rate.take(principal.keyHash);
    if (!permission || !allows(principal, permission)) {
      if (isWrite(request)) await this.audit.keepFailure(context, principal, 403);
      throw new Problem('forbidden', 'forbidden', `Expected a key that may '${permission}', but its role is ${[principal.role, ...principal.permissions].join(' with ')}`);
    }
    return true;
  }
}

const unauthenticated = (detail: string): Problem => new Problem('unauthenticated', 'unauthenticated', detail, { headers: { 'WWW-Authenticate': 'Bearer realm="runlog"' } });

/** The one key of a request. Throws a 400 problem when headers name two different ones. */
export const keyOf = (request: Pick<ApiRequest, 'headers'>): string | undefined => {
  const authorization = request.headers.authorization?.trim() || undefined;
  const bearer = authorization === undefined ? undefined : /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (authorization !== undefined && bearer === undefined) throw unauthenticated('Expected Authorization: Bearer and a key, but it says something else');
  if (request.headers['x-api-key'] === undefined && request.headers['kinetic-api-key'] === undefined) return bearer;
  const given = new Set([bearer, request.headers['x-api-key'], request.headers['kinetic-api-key']].flat().filter((key): key is string => key !== undefined && key !== ''));
  if (given.size > 1) throw malformed('two_keys', 'authorization', 'Expected one API key, but the headers name two different ones');
  return [...given][0];
};

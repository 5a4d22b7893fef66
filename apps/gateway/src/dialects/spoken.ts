import { malformed } from '../http/problem.js';
import type { ApiRequest } from '../http/request.js';
import { type Dialect, type DialectName, dialectNames } from './dialect.js';
import { dialects } from './dialects.js';

type Asked = Pick<ApiRequest, 'path' | 'query' | 'get' | 'principal' | 'dialect'>;

const VENDOR = /^application\/vnd\.runlog\.([\w-]+)\+json$/;

/** Some paths speak one dialect only; under `/api/v1`: `?dialect` > the vendor's `Accept` > the key's default > canonical. Throws a 400 problem for a name that is none. */
export const dialectOf = (request: Asked): Dialect =>
  request.dialect ?? dialects[ofPath(request.path) ?? ofQuery(request) ?? ofAccept(request.get('accept')) ?? ofKey(request) ?? 'canonical'];

/** The same for a request that may be wrong in just this. */
export const dialectOfProblem = (request: Asked): Dialect => {
  try {
    return dialectOf(request);
  } catch {
    return dialects.canonical;
  }
};

/** Whether the request may choose. */
export const isChoosable = ({ path }: Pick<Asked, 'path'>): boolean => /^\/api\/v1(\/|$)/i.test(path);

const ofPath = (path: string): DialectName | undefined => {
  if (/^\/api\/(workflows|executions)(\/|$)/i.test(path)) return 'kinetic';
  if (/^(\/v1)?\/workspaces(\/|$)/i.test(path)) return 'pods';
  return isChoosable({ path }) ? undefined : 'canonical';
};

const ofQuery = ({ query }: Asked): DialectName | undefined => (query.dialect === undefined ? undefined : named(query.dialect, 'dialect'));

const ofAccept = (accept = ''): DialectName | undefined => {
  for (const range of accept.split(',')) {
    const name = VENDOR.exec(range.split(';')[0]?.trim().toLowerCase() ?? '')?.[1];
    if (name !== undefined) return named(name, 'Accept');
  }
  return undefined;
};

const ofKey = ({ principal }: Asked): DialectName | undefined => (principal?.dialect ? named(principal.dialect, 'dialect') : undefined);

const named = (name: unknown, from: string): DialectName => {
  const known = dialectNames.find((one) => one === name);
  if (!known) throw malformed('unknown_dialect', from, `Expected '${from}' to name one of the dialects ${dialectNames.join(', ')}, but got '${String(name)}'`);
  return known;
};

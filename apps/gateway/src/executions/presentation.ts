import { hash } from 'node:crypto';
import type { ExecutionView } from '@runlog/contract';
import type { Config } from '@runlog/platform';
import { IANAZone } from 'luxon';
import type { Dialect, Part } from '../dialects/dialect.js';
import { dialectOf } from '../dialects/spoken.js';
import { malformed, Problem } from '../http/problem.js';
import { type ApiRequest, addressOf } from '../http/request.js';

/** How a caller wants to see executions: a pure input of the presenter. */
export interface Presentation {
  readonly dialect: Dialect;
  /** IANA name. */
  readonly zone: string;
  /** Absolute, without a slash at the end. */
  readonly address: string;
  /** The path that executions are under, for `Location`. */
  readonly path: string;
  /** Only these members, in the dialect's names; null: all. */
  readonly fields: ReadonlySet<string> | null;
  /** What is needed besides the row. */
  readonly parts: ReadonlySet<Part>;
  /** Milliseconds UTC: live durations count up to here. */
  readonly now: number;
}

/** Settings that shape links in answers. */
export class Links {
  constructor(readonly publicUrl: Config['publicUrl']) {}
}

interface Asked {
  readonly timezone?: string;
  readonly fields?: string;
  readonly expand?: string;
}

/** `?timezone=` > `Time-Zone` > the workspace's > UTC. Throws 400 problems for an unknown zone, field or expansion. */
export const presentationOf = (request: ApiRequest, asked: Asked, publicUrl: string | undefined, one: boolean): Presentation => {
  const dialect = dialectOf(request);
  const fields = asked.fields === undefined ? null : new Set(words(asked.fields, 'fields', dialect.fields));
  const expandable = Object.keys(dialect.parts);
  const named = asked.expand === undefined || !dialect.leanLists ? [] : words(asked.expand, 'expand', expandable);
  const expanded = one || !dialect.leanLists ? expandable : named;
  return {
    dialect,
    zone: zoneOf(asked.timezone, 'timezone') ?? zoneOf(request.get('time-zone'), 'Time-Zone') ?? request.principal?.timeZone ?? 'UTC',
    address: addressOf(request, publicUrl),
    path: pathOf(request.path),
    fields,
    parts: new Set([...(fields ?? expanded)].flatMap((field) => dialect.parts[field] ?? [])),
    now: Date.now(),
  };
};

/** Where the same client finds executions. */
const pathOf = (path: string): string =>
  /^(\/v1)?\/workspaces\/[^/]+\/pods\/[^/]+\/executions/i.exec(path)?.[0] ?? (/^\/api\/v1\//i.test(path) ? '/api/v1/executions' : '/api/executions');

const zoneOf = (name: string | undefined, from: string): string | undefined => {
  if (name === undefined) return undefined;
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name) || !IANAZone.isValidZone(name))
    throw malformed('invalid_timezone', from, `Expected an IANA time zone such as 'Europe/Berlin', but got '${name}'`);
  return name;
};

const words = (list: string, name: string, known: readonly string[]): string[] =>
  list
    .split(',')
    .map((word) => word.trim())
    .map((word) => {
      if (!known.includes(word)) throw malformed('invalid_query', name, `Expected '${name}' to name some of ${known.join(', ')}, but got '${word}'`);
      return word;
    });

/** `"<version>-<hash of dialect, zone, fields>"`: a live duration is no change. */
export const etagOf = (version: number, { dialect, zone, fields, address }: Presentation): string => {
  const shape = [dialect.name, zone, fields === null ? '' : [...fields].sort().join(','), address].join('\n');
  if (lastShape.text !== shape) lastShape = { text: shape, hash: hash('sha256', shape, 'base64url').slice(0, 8) };
  return `"${version}-${lastShape.hash}"`;
};

/** Most callers want to see executions in the same way as whoever came before. */
let lastShape = { text: '', hash: '' };

/** Whether `If-None-Match` names this tag. */
export const namesTag = (header: string | undefined, etag: string): boolean =>
  (header ?? '').split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*');

/** The version of an `If-Match`, null for `*`, undefined without one. Throws a 400 problem. */
export const matchedVersion = (header: string | undefined): number | null | undefined => {
  if (header === undefined) return undefined;
  if (header.trim() === '*') return null;
  const version = /^(?:W\/)?"(\d{1,15})(?:-[\w-]*)?"$/.exec(header.trim())?.[1];
  if (version === undefined) throw malformed('invalid_header', 'If-Match', `Expected If-Match to hold one ETag of this execution, but got '${header}'`);
  return Number(version);
};

/** Throws a 412 problem where `If-Match` names another version than the execution's. */
export const requireMatch = (request: ApiRequest, view: ExecutionView): void => {
  const version = matchedVersion(request.get('if-match'));
  if (version == null || version === view.version) return;
  throw new Problem('stale', 'version_changed', `Expected execution '${view.id}' at version ${version}, but it stands at ${view.version}`, {
    state: { status: view.status, version: view.version },
  });
};

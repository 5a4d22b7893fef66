import { createHash } from 'node:crypto';
import type { ExecutionView } from '@runlog/contract';
import { IANAZone } from 'luxon';
import { malformed, Problem } from '../http/problem.js';
import { type ApiRequest, addressOf } from '../http/request.js';
import { executionFields } from './execution-fields.js';

const EXPANDABLE = ['template', 'execution_data', 'stats'] as const;
type Expandable = (typeof EXPANDABLE)[number];

/** How a caller wants to see executions: a pure input of the presenter. */
export interface Presentation {
  readonly dialect: string;
  /** IANA name. */
  readonly zone: string;
  /** Absolute, without a slash at the end. */
  readonly address: string;
  readonly fields: ReadonlySet<string> | null;
  readonly expand: ReadonlySet<Expandable>;
  /** Milliseconds UTC: live durations count up to here. */
  readonly now: number;
}

interface Asked {
  readonly timezone?: string;
  readonly fields?: string;
  readonly expand?: string;
}

/** `?timezone=` > `Time-Zone` > the workspace's > UTC. Throws 400 problems for an unknown zone, field or expansion. */
export const presentationOf = (request: ApiRequest, asked: Asked, publicUrl: string | undefined, one: boolean): Presentation => ({
  dialect: 'canonical',
  zone: zoneOf(asked.timezone, 'timezone') ?? zoneOf(request.get('time-zone'), 'Time-Zone') ?? request.principal?.timeZone ?? 'UTC',
  address: addressOf(request, publicUrl),
  fields: asked.fields === undefined ? null : new Set(words(asked.fields, 'fields', executionFields)),
  expand: new Set(one ? EXPANDABLE : words(asked.expand ?? '', 'expand', EXPANDABLE)),
  now: Date.now(),
});

const zoneOf = (name: string | undefined, from: string): string | undefined => {
  if (name === undefined || name === '') return undefined;
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name) || !IANAZone.isValidZone(name))
    throw malformed('invalid_timezone', from, `Expected an IANA time zone such as 'Europe/Berlin', but got '${name}'`);
  return name;
};

const words = <Word extends string>(list: string, name: string, known: readonly Word[]): Word[] =>
  list
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean)
    .map((word) => {
      if (!(known as readonly string[]).includes(word)) throw malformed('invalid_query', name, `Expected '${name}' to name some of ${known.join(', ')}, but got '${word}'`);
      return word as Word;
    });

/** `"<version>-<hash of dialect, zone, fields>"`: a live duration is no change. */
export const etagOf = (version: number, { dialect, zone, fields, address }: Presentation): string => {
  const shape = [dialect, zone, [...(fields ?? [])].sort().join(','), address].join('\n');
  return `"${version}-${createHash('sha256').update(shape).digest('base64url').slice(0, 8)}"`;
};

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

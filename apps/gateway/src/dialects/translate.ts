import type { Type } from '@nestjs/common';
import type { ExecutionStatus } from '@runlog/contract';
import { CreateExecutionBody } from '../executions/create.dto.js';
import { ListQuery } from '../executions/list.dto.js';
import { ReplayBody, RespondBody } from '../executions/verbs.dto.js';
import { malformed, type ProblemPointer } from '../http/problem.js';
import { isMember, isQueryName } from '../http/validation.js';
import type { Dialect, Vocabulary } from './dialect.js';
import { statusesOf, wordsOf } from './status-words.js';

type Members = Record<string, unknown>;

/** What is asked in a dialect, in our words: renamed members, status words, and nothing that we don't know. Canonical requests stay as they are. */
interface Translated {
  readonly members: Members;
  /** Our name to the one that was used, for pointers of problems. */
  readonly names: ReadonlyMap<string, string>;
}

const asTheyAre: ReadonlyMap<string, string> = new Map();

export const translateBody = (dialect: Dialect, dto: Type, given: Members): Translated => {
  const vocabulary = vocabularyOf(dialect, dto);
  if (dialect.name === 'canonical' && !vocabulary) return { members: given, names: asTheyAre };
  const { members, names } = understood(given, vocabulary);
  if (dialect.name === 'canonical') return { members, names };
  return { members: Object.fromEntries(Object.entries(members).filter(([name]) => isMember(dto, name))), names };
};

/** `dto` undefined: the route takes no query. */
export const translateQuery = (dialect: Dialect, dto: Type | undefined, given: Members): Translated => {
  if (dialect.name === 'canonical') return { members: given, names: asTheyAre };
  const isList = dto !== undefined && isOrExtends(dto, ListQuery);
  const { members, names } = understood(given, isList ? dialect.says?.list : undefined);
  const known = Object.fromEntries(Object.entries(members).filter(([name]) => dto !== undefined && isQueryName(dto, name)));
  if (isList && known.status !== undefined) known.status = [known.status].flat().flatMap((word) => statuses(dialect, word));
  return { members: known, names };
};

/** The same problem in the words of whoever asked. */
export const inTheirWords = (errors: readonly ProblemPointer[], names: ReadonlyMap<string, string>): ProblemPointer[] =>
  errors.map((error) => {
    const [, ours = '', rest = ''] = /^\/([^/]*)(.*)$/s.exec(error.pointer) ?? [];
    const theirs = names.get(ours);
    return theirs === undefined ? error : { ...error, pointer: `/${theirs}${rest}`, detail: error.detail.replaceAll(`'${ours}'`, `'${theirs}'`) };
  });

/** Some routes have names of their own for every dialect. */
const vocabularyOf = ({ says }: Dialect, dto: Type & { says?: Vocabulary }): Vocabulary | undefined => {
  if (dto.says) return dto.says;
  if (isOrExtends(dto, CreateExecutionBody)) return says?.create;
  if (isOrExtends(dto, RespondBody)) return says?.respond;
  return isOrExtends(dto, ReplayBody) ? says?.replay : undefined;
};

const isOrExtends = (dto: Type, base: Type): boolean => dto === base || dto.prototype instanceof base;

const understood = (given: Members, vocabulary: Vocabulary = { names: {}, more: true }): Translated => {
  const members: Members = vocabulary.more ? Object.fromEntries(Object.entries(given).filter(([name]) => !Object.hasOwn(vocabulary.names, name))) : {};
  const names = new Map<string, string>();
  for (const [theirs, meaning] of Object.entries(vocabulary.names)) {
    const { to, read } = typeof meaning === 'string' ? { to: meaning, read: (value: unknown) => value } : meaning;
    const counts = Object.hasOwn(given, theirs) && !Object.hasOwn(members, to);
    if (counts) members[to] = read(given[theirs]);
    if (counts || !(names.has(to) || Object.hasOwn(members, to))) names.set(to, theirs);
  }
  return { members, names };
};

const statuses = (dialect: Dialect, word: unknown): ExecutionStatus[] => {
  const found = statusesOf(dialect.name, String(word));
  if (found.length === 0) throw malformed('invalid_query', 'status', `Expected 'status' to be one of ${wordsOf(dialect.name).join(', ')}, but got '${String(word)}'`);
  return found;
};

import { type ArgumentMetadata, Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { nearest } from '@runlog/workflow';
import { getMetadataStorage, type ValidationError, validateSync } from 'class-validator';
import { invalid, malformed, Problem, type ProblemPointer } from './problem.js';

/** Marks a DTO whose members are open (a definition that its own validator checks). */
export const OPEN = Symbol('open');

/**
 * Bodies and queries against their DTO class: unknown members refused, all errors at once. A body's problem is 422, a query's 400.
 * Members keep their values: nothing below the first level is copied or converted.
 */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if ((type !== 'body' && type !== 'query') || !metatype || metatype === Object || metatype === String) return value;
    const given = value as Record<string, unknown>;
    if (Object.hasOwn(metatype, OPEN)) return given;
    return type === 'body' ? readBody(metatype as Type<object>, given) : query(metatype, given);
  }
}

/** A body's members as an instance of its DTO. Throws a 422 problem with everything that breaks it. */
export const readBody = <Dto extends object>(dto: Type<Dto>, given: Record<string, unknown>): Dto => {
  const members = membersOf(dto);
  const unknownOnes = Object.keys(given).filter((name) => !members.has(name));
  const instance = Object.assign(new dto(), Object.fromEntries(Object.entries(given).filter(([name]) => members.has(name))));
  const errors = [...unknownOnes.map((name) => unexpected(name, members)), ...nulls(dto, instance), ...check(dto, instance)];
  if (errors.length > 0) throw invalid(errors);
  return instance;
};

const query = (dto: Type, given: Record<string, unknown>): object => {
  const members = membersOf(dto);
  const instance = new dto() as Record<string, unknown>;
  for (const [asked, raw] of Object.entries(given)) {
    const name = members.has(asked) ? asked : snakeCased(asked);
    if (name !== asked && Object.hasOwn(given, name)) throw malformed('invalid_query', asked, `Expected '${name}' once, but '${asked}' is the same`);
    const bracket = /^([a-z_]+)\[(.+)\]$/s.exec(name);
    if (bracket && members.has(bracket[1] as string) && designOf(dto, bracket[1] as string) === Map) {
      if (typeof raw !== 'string') throw malformed('invalid_query', name, `Expected '${name}' once`);
      const map = (instance[bracket[1] as string] ??= new Map<string, string>()) as Map<string, string>;
      map.set(bracket[2] as string, raw);
    } else if (members.has(name) && designOf(dto, name) !== Map) instance[name] = coerced(name, raw, designOf(dto, name));
    else throw malformed('unknown_parameter', asked, `Expected no query parameter '${asked}' here`);
  }
  const errors = check(dto, instance);
  if (errors.length > 0) throw new Problem('malformed', 'invalid_query', errors[0]?.detail ?? 'Expected a query that can be used', { errors });
  return instance;
};

/** A member that may be left out may be null only where its description says so. */
const nulls = (dto: Type, instance: object): ProblemPointer[] =>
  Object.entries(instance).flatMap(([name, value]) => {
    if (value !== null || !isConditional(dto, name)) return [];
    const described = Reflect.getMetadata('swagger/apiModelProperties', dto.prototype as object, name) as { nullable?: boolean } | undefined;
    return described?.nullable === true ? [] : [{ pointer: `/${escaped(name)}`, detail: `Expected '${name}' not to be null: leave it out` }];
  });

const isConditional = (dto: Type, name: string): boolean =>
  getMetadataStorage()
    .getTargetValidationMetadatas(dto, '', true, false)
    .some(({ propertyName, type }) => propertyName === name && type === 'conditionalValidation');

/** Query names are taken in camelCase too: `workflowId` is `workflow_id`. */
const snakeCased = (name: string): string => (/^[a-z]+([A-Z][a-z]+)+$/.test(name) ? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : name);

const coerced = (name: string, raw: unknown, design: unknown): unknown => {
  if (design === Array) return Array.isArray(raw) ? raw : [raw];
  if (Array.isArray(raw)) throw malformed('invalid_query', name, `Expected '${name}' once`);
  const text = String(raw);
  if (design === Number) return /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (design === Boolean) return text === 'true' ? true : text === 'false' ? false : text;
  return text;
};

const designOf = (dto: Type, name: string): unknown => Reflect.getMetadata('design:type', dto.prototype as object, name);

/** Whether a body of this class has the member; an open one has any. */
export const isMember = (dto: Type, name: string): boolean => Object.hasOwn(dto, OPEN) || membersOf(dto).has(name);

/** Whether a query of this class has the parameter, under one of its names. */
export const isQueryName = (dto: Type, name: string): boolean => {
  const member = /^([a-z_]+)\[.+\]$/.exec(name)?.[1] ?? name;
  return membersOf(dto).has(member) || membersOf(dto).has(snakeCased(member));
};

const knownMembers = new WeakMap<Type, ReadonlySet<string>>();

/** The members that have rules, and whether one of them must be there: all that `validateSync` finds out anew for each instance. */
interface Ruled {
  readonly members: ReadonlySet<string>;
  readonly hasRequired: boolean;
}

const knownRules = new WeakMap<Type, Ruled>();

const rulesOf = (dto: Type): Ruled => {
  let ruled = knownRules.get(dto);
  if (!ruled) {
    const metadata = getMetadataStorage().getTargetValidationMetadatas(dto, '', true, false);
    const optional = new Set(metadata.filter(({ type }) => type === 'conditionalValidation').map(({ propertyName }) => propertyName));
    const members = new Set(metadata.filter(({ type }) => type !== 'whitelistValidation' && type !== 'conditionalValidation').map(({ propertyName }) => propertyName));
    knownRules.set(dto, (ruled = { members, hasRequired: members.size === 0 || [...members].some((name) => !optional.has(name)) }));
  }
  return ruled;
};

const membersOf = (dto: Type): ReadonlySet<string> => {
  let members = knownMembers.get(dto);
  if (!members)
    knownMembers.set(
      dto,
      (members = new Set(
        getMetadataStorage()
          .getTargetValidationMetadatas(dto, '', true, false)
          .map(({ propertyName }) => propertyName),
      )),
    );
  return members;
};

const unexpected = (name: string, members: ReadonlySet<string>): ProblemPointer => {
  const meant = nearest(name, members);
  return { pointer: `/${escaped(name)}`, detail: `Expected no member '${name}'`, ...(meant === undefined ? {} : { suggestion: meant }) };
};

const check = (dto: Type, instance: object): ProblemPointer[] => {
  const { members, hasRequired } = rulesOf(dto);
  if (!hasRequired && !Object.keys(instance).some((name) => members.has(name))) return [];
  return flatten(validateSync(instance, { forbidUnknownValues: true }), '');
};

/** What says most when several rules are broken at once: the type, then the rest. */
const TYPES = ['isInt', 'isNumber', 'isString', 'isArray', 'isObject', 'isBoolean', 'isInstance'];

const flatten = (errors: readonly ValidationError[], above: string): ProblemPointer[] =>
  errors.flatMap(({ property, value, constraints = {}, children }) => {
    const broken = TYPES.map((type) => constraints[type]).find((message) => message !== undefined) ?? Object.values(constraints)[0];
    const detail = broken !== undefined && value === undefined ? `Expected a member '${property}', but it is missing` : expectation(broken);
    return [...(detail === undefined ? [] : [{ pointer: `${above}/${escaped(property)}`, detail }]), ...flatten(children ?? [], `${above}/${escaped(property)}`)];
  });

/** `limit must not be less than 1` as every problem says it: `Expected 'limit' not to be less than 1`. */
const expectation = (message: string | undefined): string | undefined =>
  message?.replace(
    /^(each value in )?(\w+) must (not )?/,
    (_, each: string | undefined, property: string, not: string | undefined) => `Expected ${each ?? ''}'${property}' ${not ?? ''}to `,
  );

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

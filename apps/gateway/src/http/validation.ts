import type { Type } from '@nestjs/common';
import { nearest } from '@runlog/workflow';
import { getMetadataStorage, type ValidationError, ValidationTypes, type ValidatorConstraintInterface, validateSync } from 'class-validator';
import { invalid, malformed, Problem, type ProblemPointer } from './problem.js';

/** Marks a DTO whose members are open (a definition that its own validator checks). */
export const OPEN = Symbol('open');

/**
 * A body or query as an instance of the class that the route declares for it: unknown members refused, all errors at once. A body's problem is
 * 422, a query's 400. Members keep their values: nothing below the first level is copied or converted.
 */
export const validated = (kind: 'body' | 'query', dto: Type, given: Record<string, unknown>): object => {
  if (dto === Object || dto === String || Object.hasOwn(dto, OPEN)) return given;
  return kind === 'body' ? readBody(dto, given) : readQuery(dto, given);
};

/** A body's members as an instance of its DTO. Throws a 422 problem with everything that breaks it. */
export const readBody = <Dto extends object>(dto: Type<Dto>, given: Record<string, unknown>): Dto => {
  const { designs } = shapeOf(dto);
  const instance = new dto() as Record<string, unknown>;
  const errors: ProblemPointer[] = [];
  for (const name of Object.keys(given))
    if (designs.has(name)) instance[name] = given[name];
    else errors.push(unexpected(name, designs));
  errors.push(...nulls(dto, instance), ...check(dto, instance));
  if (errors.length > 0) throw invalid(errors);
  return instance as Dto;
};

const readQuery = (dto: Type, given: Record<string, unknown>): object => {
  const { designs } = shapeOf(dto);
  const instance = new dto() as Record<string, unknown>;
  for (const [asked, raw] of Object.entries(given)) {
    const name = designs.has(asked) ? asked : snakeCased(asked);
    if (name !== asked && Object.hasOwn(given, name)) throw malformed('invalid_query', asked, `Expected '${name}' once, but '${asked}' is the same`);
    const bracket = /^([a-z_]+)\[(.+)\]$/s.exec(name);
    if (bracket && designs.get(bracket[1] as string) === Map) {
      if (typeof raw !== 'string') throw malformed('invalid_query', name, `Expected '${name}' once`);
      const map = (instance[bracket[1] as string] ??= new Map<string, string>()) as Map<string, string>;
      map.set(bracket[2] as string, raw);
    } else if (designs.has(name) && designs.get(name) !== Map) instance[name] = coerced(name, raw, designs.get(name));
    else throw malformed('unknown_parameter', asked, `Expected no query parameter '${asked}' here`);
  }
  const errors = check(dto, instance);
  if (errors.length > 0) throw new Problem('malformed', 'invalid_query', errors[0]?.detail ?? 'Expected a query that can be used', { errors });
  return instance;
};

/** A member that may be left out may be null only where its description says so. */
const nulls = (dto: Type, instance: Record<string, unknown>): ProblemPointer[] =>
  Object.keys(instance).flatMap((name) => {
    if (instance[name] !== null || !shapeOf(dto).optional.has(name)) return [];
    const described = Reflect.getMetadata('swagger/apiModelProperties', dto.prototype as object, name) as { nullable?: boolean } | undefined;
    return described?.nullable === true ? [] : [{ pointer: `/${escaped(name)}`, detail: `Expected '${name}' not to be null: leave it out` }];
  });

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

/** Whether a body of this class has the member; an open one has any. */
export const isMember = (dto: Type, name: string): boolean => Object.hasOwn(dto, OPEN) || shapeOf(dto).designs.has(name);

/** Whether a query of this class has the parameter, under one of its names. */
export const isQueryName = (dto: Type, name: string): boolean => {
  const member = /^([a-z_]+)\[.+\]$/.exec(name)?.[1] ?? name;
  const { designs } = shapeOf(dto);
  return designs.has(member) || designs.has(snakeCased(member));
};

/** One rule of a member, by the validator that class-validator would call for it. */
interface Rule {
  readonly name: string;
  readonly each: boolean;
  readonly validator: ValidatorConstraintInterface;
  readonly constraints: unknown[];
}

/** What is known of a DTO once and for all, and `validateSync` looks up anew for each instance. */
interface Shape {
  /** Its members, with the type that each is declared as. */
  readonly designs: ReadonlyMap<string, unknown>;
  /** Members that may be left out. */
  readonly optional: ReadonlySet<string>;
  /** null: some of its rules are of other kinds. */
  readonly rules: readonly Rule[] | null;
}

const knownShapes = new WeakMap<Type, Shape>();

const shapeOf = (dto: Type): Shape => {
  let shape = knownShapes.get(dto);
  if (!shape) knownShapes.set(dto, (shape = learnShape(dto)));
  return shape;
};

const learnShape = (dto: Type): Shape => {
  const storage = getMetadataStorage();
  const metadata = storage.getTargetValidationMetadatas(dto, '', true, false);
  const designs = new Map(metadata.map(({ propertyName }) => [propertyName, Reflect.getMetadata('design:type', dto.prototype as object, propertyName) as unknown]));
  const optional = new Set(metadata.filter(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION).map(({ propertyName }) => propertyName));
  const ruling = metadata.filter(({ type }) => type !== ValidationTypes.WHITELIST && type !== ValidationTypes.CONDITIONAL_VALIDATION);
  const isUsual = metadata.length > 0 && ruling.every(({ type, validateIf }) => type === ValidationTypes.CUSTOM_VALIDATION && !validateIf);
  const rules = ruling.flatMap(({ propertyName: name, each = false, constraintCls, constraints = [] }) =>
    storage.getTargetValidatorConstraints(constraintCls).map(({ instance: validator }) => ({ name, each, validator, constraints })),
  );
  return { designs, optional, rules: isUsual ? rules : null };
};

/** Whether the instance keeps every rule; what it breaks, and in which words that is told, is for `validateSync` to find out. */
const isSound = (dto: Type, instance: Record<string, unknown>): boolean => {
  const { rules, optional } = shapeOf(dto);
  return (
    rules?.every(({ name, each, validator, constraints }) => {
      const value = instance[name];
      if (value == null && optional.has(name)) return true;
      const context = { targetName: dto.name, property: name, object: instance, value, constraints };
      return each && Array.isArray(value) ? value.every((one) => validator.validate(one, context)) : validator.validate(value, context);
    }) ?? false
  );
};

const unexpected = (name: string, designs: ReadonlyMap<string, unknown>): ProblemPointer => {
  const meant = nearest(name, designs.keys());
  return { pointer: `/${escaped(name)}`, detail: `Expected no member '${name}'`, ...(meant === undefined ? {} : { suggestion: meant }) };
};

const check = (dto: Type, instance: Record<string, unknown>): ProblemPointer[] =>
  isSound(dto, instance) ? [] : flatten(validateSync(instance, { forbidUnknownValues: true }), '');

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

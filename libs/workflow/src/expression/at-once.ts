import type { Json } from '../definition.js';
import type { Scope } from '../scope.js';
import { directPath, follow } from './direct-path.js';
import type { Part } from './shape.js';

/** What JSONata would give for an expression, told without it; `null` where it takes JSONata to tell, for this scope. */
export type AtOnce = (scope: Scope) => { readonly value: Json | undefined } | null;

/** A number, text or truth on the way; undefined: ask JSONata. */
type Step = (scope: Scope) => number | string | boolean | undefined;

/** Of a plain path. */
export const pathAtOnce =
  (path: readonly string[]): AtOnce =>
  (scope) =>
    follow(path, scope);

/** Of operators between plain paths and literals; null for any other expression. */
export function operatorsAtOnce(ast: unknown): AtOnce | null {
  const step = stepOf(ast as Part);
  if (!step) return null;
  return (scope) => {
    const value = step(scope);
    return value === undefined ? null : { value };
  };
}

function stepOf(part: Part): Step | undefined {
  if ((part.type === 'number' || part.type === 'string') && hasOnly(part, 'value')) return () => part.value as number | string;
  if (part.type === 'path' && hasOnly(part, 'steps')) return stepOfPath(part.steps as Part[]);
  if (part.type === 'block' && hasOnly(part, 'expressions')) {
    const [only, ...others] = part.expressions as Part[];
    return only && others.length === 0 ? stepOf(only) : undefined;
  }
  const operate = part.type === 'binary' && hasOnly(part, 'value', 'lhs', 'rhs') ? operators.get(String(part.value)) : undefined;
  const left = operate && stepOf(part.lhs as Part);
  const right = left && stepOf(part.rhs as Part);
  return operate && left && right && ((scope) => operate(left(scope), right(scope)));
}

function stepOfPath(steps: readonly Part[]): Step | undefined {
  if (!steps.every((step) => step.type === 'name' && hasOnly(step, 'value'))) return undefined;
  const path = directPath(steps.map(({ value }) => value).join('.'));
  if (path?.length !== steps.length) return undefined;
  return (scope) => {
    const value = follow(path, scope)?.value;
    return typeof value === 'object' ? undefined : value;
  };
}

/** Nothing is said of the part but this: no filter, no grouping, nothing bound. */
const hasOnly = (part: Part, ...members: readonly string[]): boolean => Object.keys(part).every((key) => key === 'type' || key === 'position' || members.includes(key));

type Value = ReturnType<Step>;
type Operator = (left: Value, right: Value) => Value;

const ofNumbers =
  (operate: (left: number, right: number) => number): Operator =>
  (left, right) => {
    if (typeof left !== 'number' || typeof right !== 'number') return undefined;
    const value = operate(left, right);
    return Number.isFinite(value) ? value : undefined;
  };

const ofEither =
  (compare: <Both extends number | string>(left: Both, right: Both) => boolean): Operator =>
  (left, right) => {
    if (typeof left === 'number' && typeof right === 'number') return compare(left, right);
    return typeof left === 'string' && typeof right === 'string' ? compare(left, right) : undefined;
  };

const ofTruths =
  (operate: (left: boolean, right: boolean) => boolean): Operator =>
  (left, right) =>
    typeof left === 'boolean' && typeof right === 'boolean' ? operate(left, right) : undefined;

const joined: Operator = (left, right) => (typeof left === 'string' && typeof right === 'string' ? left + right : undefined);

const operators: ReadonlyMap<string, Operator> = new Map([
  ['+', ofNumbers((left, right) => left + right)],
  ['-', ofNumbers((left, right) => left - right)],
  ['*', ofNumbers((left, right) => left * right)],
  ['/', ofNumbers((left, right) => left / right)],
  ['%', ofNumbers((left, right) => left % right)],
  ['<', ofEither((left, right) => left < right)],
  ['<=', ofEither((left, right) => left <= right)],
  ['>', ofEither((left, right) => left > right)],
  ['>=', ofEither((left, right) => left >= right)],
  ['=', ofEither((left, right) => left === right)],
  ['!=', ofEither((left, right) => left !== right)],
  ['and', ofTruths((left, right) => left && right)],
  ['or', ofTruths((left, right) => left || right)],
  ['&', joined],
]);

import jsonata from 'jsonata/jsonata.min.js';
import { BoundedCache } from '../bounded-cache.js';
import { type AtOnce, operatorsAtOnce, pathAtOnce } from './at-once.js';
import { directPath } from './direct-path.js';
import { watchFrames } from './frame.js';
import { bindFunctions } from './functions.js';
import { limits } from './limits.js';
import { compileLinear, LinearRegex } from './linear-regex.js';
import { pathShape, type Shape, shapeOf } from './shape.js';

/** An expression that has been read once and may be evaluated any number of times, also at the same time. */
export interface Parsed {
  /** Of an expression that hardly ever needs JSONata; null for any other. */
  readonly atOnce: AtOnce | null;
  readonly expression: jsonata.Expression;
  readonly shape: Shape;
}

/** Why an expression can't be read, in words, and where. */
export class ExpressionUnreadable extends Error {
  constructor(
    message: string,
    readonly position: number | undefined,
  ) {
    super(message);
    this.name = 'ExpressionUnreadable';
  }
}

const cache = new BoundedCache<string, Parsed>(20_000);
const options: jsonata.JsonataOptions = { sequence: limits.sequence, RegexEngine: LinearRegex as unknown as RegExpConstructor };

/** Reads an expression, or finds it in a bounded cache. Throws `ExpressionUnreadable`. */
export const parse = (text: string): Parsed => cache.get(text, read);

function read(text: string): Parsed {
  if (text.length > limits.text) throw new ExpressionUnreadable(`it is longer than ${limits.text} characters`, undefined);
  const path = directPath(text);
  if (path === null) {
    const { expression, shape } = compiled(text);
    return { atOnce: operatorsAtOnce(expression.ast()), expression, shape };
  }
  let full: { expression: jsonata.Expression; shape: Shape } | undefined;
  return {
    atOnce: pathAtOnce(path),
    shape: pathShape(path),
    get expression() {
      return (full ??= compiled(text)).expression;
    },
  };
}

function compiled(text: string): { expression: jsonata.Expression; shape: Shape } {
  try {
    const expression = jsonata(text, options);
    const shape = shapeOf(expression.ast());
    if (shape.depth > limits.nesting) throw new ExpressionUnreadable(`it is nested deeper than ${limits.nesting} levels`, undefined);
    for (const { value, position } of shape.regexes) checkRegex(value as RegExp, position);
    bindFunctions(expression, shape);
    watchFrames(expression, shape);
    return { expression, shape };
  } catch (error) {
    if (error instanceof ExpressionUnreadable) throw error;
    const { message, position } = error as { message?: string; position?: number };
    throw new ExpressionUnreadable(lowerFirst(error instanceof RangeError ? 'It is nested too deep' : (message ?? 'It cannot be read')), position);
  }
}

function checkRegex(regex: RegExp, position: number | undefined): void {
  try {
    compileLinear(regex.source, regex.flags);
  } catch (error) {
    throw new ExpressionUnreadable(`its regular expression ${regex} is not one that RE2 takes: ${(error as Error).message}`, position);
  }
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

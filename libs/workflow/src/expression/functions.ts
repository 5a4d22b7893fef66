import jsonata from 'jsonata/jsonata.min.js';
import { canonical } from '../canonical.js';
import { type Budget, checkText } from './budget.js';
import { ExpressionFailed } from './expression-failed.js';
import { FRAME_PUSHED } from './frame.js';
import { limits } from './limits.js';
import type { Shape } from './shape.js';

/** `this` of a function that JSONata calls. */
interface Focus {
  readonly environment: { readonly base: { readonly budget: Budget } };
}
// biome-ignore lint/suspicious/noExplicitAny: each function names the types that JSONata's signature has checked
type Native = (this: Focus, ...parameters: any[]) => unknown;

/** Every function of JSONata, without `$`. */
export const builtInNames: ReadonlySet<string> = new Set(
  (
    'sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match contains replace split join ' +
    'formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt power random boolean not map zip filter single reduce sift keys ' +
    'lookup append exists spread merge reverse each error assert type sort shuffle distinct base64encode base64decode encodeUrlComponent encodeUrl ' +
    'decodeUrlComponent decodeUrl eval toMillis fromMillis clone now millis'
  ).split(' '),
);

interface Definition {
  readonly implementation: Native;
  readonly signature: unknown;
}

const builtIn = definitions();

/** JSONata's own definitions. They are reachable only through a frame, which `evaluate` makes before it first waits. */
function definitions(): ReadonlyMap<string, Definition> {
  const found = new Map<string, Definition>();
  const probe = jsonata('null');
  probe.assign(FRAME_PUSHED, (frame: { lookup(name: string): Definition }) => {
    for (const name of builtInNames) found.set(name, frame.lookup(name));
  });
  void probe.evaluate(null);
  return found;
}

const original = (name: string): Native => {
  const definition = builtIn.get(name);
  if (definition === undefined) throw new Error(`Expected to find JSONata's function '${name}', but there is none`);
  return definition.implementation;
};
const budgetOf = (focus: Focus): Budget => focus.environment.base.budget;

function checkPicture(picture: unknown): void {
  if (typeof picture === 'string' && picture.length > limits.picture)
    throw new ExpressionFailed('expression_too_large', `a picture string is longer than ${limits.picture} characters`);
}

/** Each takes its own parameters: JSONata reads their names when a function is applied in part. */
const replacements: { readonly [name: string]: Native } = {
  millis: function () {
    return budgetOf(this).seed.at;
  },
  now: function (picture, timezone) {
    checkPicture(picture);
    return original('fromMillis').call(this, budgetOf(this).seed.at, picture, timezone);
  },
  random: function () {
    return budgetOf(this).random();
  },
  shuffle: function (items: unknown[] | undefined) {
    if (items === undefined) return undefined;
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = Math.floor(budgetOf(this).random() * (last + 1));
      [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
    }
    return shuffled;
  },
  pad: (text: string | undefined, width: number, char: string | undefined) => {
    if (text === undefined) return undefined;
    checkText(Math.abs(width));
    const missing = Math.abs(Math.trunc(width)) - [...text].length;
    if (missing <= 0) return text;
    const pattern = [...(char || ' ')];
    const padding = Array.from({ length: missing }, (_, index) => pattern[index % pattern.length]).join('');
    return width > 0 ? text + padding : padding + text;
  },
  join: (texts: string[] | undefined, separator: string | undefined) => {
    if (texts === undefined) return undefined;
    let length = Math.max(0, texts.length - 1) * (separator?.length ?? 0);
    for (const text of texts) checkText((length += text.length));
    checkText(length);
    return texts.join(separator ?? '');
  },
  distinct: (items: unknown) => {
    if (!Array.isArray(items) || items.length <= 1) return items;
    const seen = new Set<unknown>();
    const kept = items.filter((item) => {
      const identity = typeof item === 'object' && item !== null ? canonical(item) : typeof item === 'string' ? `s${item}` : item;
      if (seen.has(identity)) return false;
      seen.add(identity);
      return true;
    });
    return Object.assign(kept, (items as { sequence?: true }).sequence ? { sequence: true } : {});
  },
  replace: function (text: string | undefined, pattern: unknown, replacement: unknown, limit: number | undefined) {
    if (text === undefined || typeof replacement !== 'string') return original('replace').call(this, text, pattern, counted(replacement), limit);
    if (typeof pattern === 'string') {
      if (pattern !== '') checkText(text.length + Math.min(occurrences(text, pattern), limit ?? Number.POSITIVE_INFINITY) * replacement.length);
      return original('replace').call(this, text, pattern, replacement, limit);
    }
    return original('replace').call(this, text, weighed(pattern as Matching, replacement), replacement, limit);
  },
  sort: function (items: unknown[] | undefined, comparator: unknown) {
    const length = items?.length ?? 0;
    budgetOf(this).charge(Math.ceil((length * Math.log2(length + 1)) / 8));
    return original('sort').call(this, items, comparator);
  },
  formatNumber: function (value, picture, settings) {
    checkPicture(picture);
    return original('formatNumber').call(this, value, picture, settings);
  },
  formatInteger: function (value, picture) {
    checkPicture(picture);
    return original('formatInteger').call(this, value, picture);
  },
  parseInteger: function (text, picture) {
    checkPicture(text);
    checkPicture(picture);
    return original('parseInteger').call(this, text, picture);
  },
  fromMillis: function (millis, picture, timezone) {
    checkPicture(picture);
    return original('fromMillis').call(this, millis, picture, timezone);
  },
  toMillis: function (text: string | undefined, picture: string | undefined) {
    checkPicture(text);
    checkPicture(picture);
    if (picture !== undefined && isAmbiguous(picture))
      throw new ExpressionFailed('expression_failed', `the parts of the picture '${picture}' need something between them or a width`);
    return original('toMillis').call(this, text, picture);
  },
};

/** Parts without a separator between them make the built-in matcher try every way to divide the digits. */
function isAmbiguous(picture: string): boolean {
  let ambiguous = 0;
  for (const [, part] of picture.matchAll(/\[([^\]]*)\](?=\s*\[)/g)) if (!/,|\d\d/.test(part ?? '')) ambiguous++;
  return ambiguous > 1;
}

function occurrences(text: string, pattern: string): number {
  let count = 0;
  for (let index = text.indexOf(pattern); index !== -1; index = text.indexOf(pattern, index + pattern.length)) count++;
  return count;
}

interface Match {
  readonly match: string;
  next(): Match | undefined;
}
type Matching = (text: string) => Match | undefined | Promise<Match | undefined>;

/** A matcher that refuses once its matches, replaced, would be too long. */
function weighed(matcher: Matching, replacement: string): (text: string) => Promise<Match | undefined> {
  const references = replacement.split('$').length - 1;
  let length = 0;
  const weigh = (match: Match | undefined): Match | undefined => {
    if (match === undefined) return undefined;
    checkText((length += replacement.length + references * match.match.length));
    return { ...match, next: () => weigh(match.next()) };
  };
  return async (text) => weigh(await matcher(text));
}

/** A replacing function that refuses once its results are too long. */
function counted(replacement: unknown): unknown {
  if (typeof replacement !== 'function') return replacement;
  let length = 0;
  return async (match: unknown) => {
    const text: unknown = await replacement(match);
    if (typeof text === 'string') checkText((length += text.length));
    return text;
  };
}

/** A function that counts what it takes and makes, also where JSONata calls it for each item of a list without a step of its own. */
function metered(implementation: Native): Native {
  const counted: Native = function (...parameters) {
    const budget = budgetOf(this);
    budget.charge(parameters.reduce((steps: number, value: unknown) => steps + weight(value), 1));
    const value = implementation.apply(this, parameters);
    budget.charge(weight(value));
    return value;
  };
  return Object.defineProperties(counted, { length: { value: implementation.length }, toString: { value: () => implementation.toString() } });
}

const weight = (value: unknown): number => (typeof value === 'string' || Array.isArray(value) ? value.length >> 6 : 0);

/** Gives an expression the functions that it names, bounded and made a function of the command, and takes `$eval` away. */
export function bindFunctions(expression: jsonata.Expression, shape: Shape): void {
  for (const name of shape.variables.keys()) {
    const definition = builtIn.get(name);
    if (definition === undefined) continue;
    const implementation = (Object.hasOwn(replacements, name) && replacements[name]) || definition.implementation;
    expression.assign(name, { _jsonata_function: true, signature: definition.signature, implementation: shape.isBounded ? implementation : metered(implementation) });
  }
  expression.assign('eval', undefined);
}

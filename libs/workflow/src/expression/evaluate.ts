import type { Json } from '../definition.js';
import type { Scope, Seed } from '../scope.js';
import { Budget } from './budget.js';
import { ExpressionFailed } from './expression-failed.js';
import { startWithin } from './frame.js';
import { limits } from './limits.js';
import { ExpressionUnreadable, parse } from './parsed.js';
import { plainJson } from './plain-json.js';

/**
 * Evaluates a JSONata expression over the scope: deterministic for a seed, bounded in steps, depth and size (see `limits`).
 * No value is null. Throws `ExpressionFailed`.
 */
export async function evaluate(text: string, scope: Scope, seed: Seed): Promise<Json> {
  let budget: Budget | undefined;
  const { bytes: more = 0, ...seen } = scope;
  try {
    const parsed = parse(text);
    const found = parsed.atOnce?.(seen);
    if (found) return plainJson(found.value, limits.result + more);
    const { expression, shape } = parsed;
    budget = new Budget(seed, text, !shape.changesValues, limits.value + more);
    return plainJson(await startWithin(budget, expression, shape, seen), limits.result + more);
  } catch (error) {
    throw failure(text, error);
  } finally {
    budget?.exhaust();
  }
}

/** What `evaluate` would give, where that takes no JSONata and does not fail; undefined: ask it. */
export function evaluateAtOnce(text: string, scope: Scope): Json | undefined {
  if (scope.bytes !== undefined) return undefined;
  try {
    const found = parse(text).atOnce?.(scope);
    return found ? plainJson(found.value) : undefined;
  } catch {
    return undefined;
  }
}

function failure(text: string, error: unknown): ExpressionFailed {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  const fail = (code: ExpressionFailed['code'], because: string, position?: number): ExpressionFailed =>
    new ExpressionFailed(code, `Expected to evaluate '${shown}', but ${because.slice(0, 300)}${position === undefined ? '' : ` (at character ${position})`}`, position);
  if (error instanceof ExpressionFailed) return fail(error.code, error.message, error.position);
  if (error instanceof ExpressionUnreadable) return fail('expression_failed', error.message, error.position);
  if (error instanceof RangeError) return /stack/i.test(error.message) ? fail('expression_timeout', 'it calls itself without an end') : fail('expression_too_large', error.message);
  const { code, message, position } = error as { code?: string; message?: string; position?: number };
  if (code === 'D2014' || code === 'D2015') return fail('expression_too_large', `a sequence has more than ${limits.sequence} items`, position);
  return fail('expression_failed', message ?? String(error), position);
}

import { type Problem, pointerTo } from '../problem.js';

const MAX_DEPTH = 64;
const forbiddenNames = new Set(['__proto__', 'constructor', 'prototype']);

/** Finds what no definition may hold anywhere: prototype names, NUL characters, too many levels, values that are no JSON. */
export function hostileParts(body: unknown): Problem[] {
  const problems: Problem[] = [];
  visit(body, '', 0, problems);
  return problems;
}

function visit(value: unknown, pointer: string, depth: number, problems: Problem[]): void {
  if (problems.length >= 100) return;
  if (typeof value === 'string') {
    if (value.includes('\0')) problems.push({ pointer, detail: 'Expected text without NUL characters' });
    return;
  }
  if (value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return;
  if (typeof value !== 'object') {
    problems.push({ pointer, detail: `Expected JSON, but got ${typeof value}` });
    return;
  }
  if (depth >= MAX_DEPTH) {
    problems.push({ pointer, detail: `Expected at most ${MAX_DEPTH} levels, but there are more` });
    return;
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) visit(value[index], `${pointer}/${index}`, depth + 1, problems);
    return;
  }
  for (const key of Object.keys(value)) {
    const at = pointerTo(pointer, key);
    if (forbiddenNames.has(key)) problems.push({ pointer: at, detail: `Expected a member with another name than '${key}'` });
    else if (key.includes('\0')) problems.push({ pointer: at, detail: 'Expected a name without NUL characters' });
    else visit((value as Record<string, unknown>)[key], at, depth + 1, problems);
  }
}

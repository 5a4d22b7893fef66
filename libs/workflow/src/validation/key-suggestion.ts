import type { Problem } from '../problem.js';

/** For a key or an id with characters that it may not have: the nearest one that it may. */
export function withKeySuggestion(problem: Problem): Problem {
  const given = /^Expected text that matches \S+, but got '([^']*)'$/.exec(problem.detail)?.[1];
  if (given === undefined || !/^\/key$|^\/nodes\/\d+\/id$|^\/tools\/\d+\/name$/.test(problem.pointer)) return problem;
  const plain = given
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 64);
  const suggestion = problem.pointer === '/key' ? plain.toLowerCase().replace(/^[^a-z]+/, '') : plain;
  return suggestion === '' ? problem : { ...problem, suggestion };
}

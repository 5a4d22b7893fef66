import type { Kind } from './kind.js';
import { transform } from './transform.js';

/**
 * Chooses branch `true` or `false`. Its output is that boolean: the truth of the expression's value as JSONata's own `? :` takes it
 * (missing, null, 0, '', [], {} and arrays of such are false).
 */
export const condition: Kind = {
  ...transform,
  type: 'condition',
  branches: () => ['true', 'false'],
};

import { Catalog1700000000001 } from './0001-catalog.js';

/** In the order in which they run. A released migration never changes: a change is a new one. */
export const migrations = [Catalog1700000000001] as const;

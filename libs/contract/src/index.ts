export type * from './views.js';
export type * from './reads.js';

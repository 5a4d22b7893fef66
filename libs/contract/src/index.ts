export type * from './views.js';
export type * from './reads.js';
export type * from './resources.js';

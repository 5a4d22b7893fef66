export type * from './reads.js';
export type * from './resources.js';
export type * from './views.js';

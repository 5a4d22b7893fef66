export { START } from './definition.js';
export type * from './definition.js';
export type * from './graph.js';

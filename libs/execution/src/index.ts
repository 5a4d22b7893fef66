export type * from './ids.js';
export type * from './commands.js';
export type * from './events.js';
export type * from './messages.js';
export type { Rejection, RejectionCode } from './rejection.js';

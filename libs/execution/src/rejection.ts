import type { Json } from './ids.js';

export type RejectionCode = 'NotFound' | 'AlreadyExists' | 'InvalidState' | 'InvalidArgument' | 'NotAllowed';

/** An expected refusal: a value from `decide`, never an exception. `code` decides the HTTP status, in one filter. */
export interface Rejection {
  readonly rejected: RejectionCode;
  /** For a person: `Expected to <do> '<id>', but <actual state>`. */
  readonly because: string;
  /** Machine-readable reason, e.g. `gate_already_decided`, `answer_invalid`, `attempt_lost`. */
  readonly reason: string;
  /** Pointers into the body (JSON Pointer) with what was expected there. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  /** The current state, for a 409. */
  readonly state?: Json;
}

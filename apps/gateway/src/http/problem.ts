import type { Rejection, RejectionCode } from '@runlog/execution';

/** What went wrong, from the caller's point of view. The filter gives each kind its HTTP status. */
export type ProblemKind =
  | 'malformed'
  | 'unauthenticated'
  | 'forbidden'
  | 'unknown'
  | 'method'
  | 'conflict'
  | 'stale'
  | 'too_large'
  | 'media_type'
  | 'range'
  | 'invalid'
  | 'too_many'
  | 'failed'
  | 'unavailable';

/** Where in the body, query or header something is wrong (JSON Pointer), and what was expected there. */
export interface ProblemPointer {
  readonly pointer: string;
  readonly detail: string;
  readonly suggestion?: string;
}

interface More {
  readonly errors?: readonly ProblemPointer[];
  /** The current state, for a 409. */
  readonly state?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure that a caller is told about as `application/problem+json`. `code` is stable and machine-readable. */
export class Problem extends Error {
  constructor(
    readonly kind: ProblemKind,
    readonly code: string,
    detail: string,
    readonly more: More = {},
  ) {
    super(detail);
  }
}

const kindOf: Record<RejectionCode, ProblemKind> = {
  NotFound: 'unknown',
  AlreadyExists: 'conflict',
  InvalidState: 'conflict',
  InvalidArgument: 'invalid',
  NotAllowed: 'forbidden',
};

/** A refusal by `decide`, as its caller sees it. A `fault` is a bug behind the command, not the caller's. */
export const refused = ({ rejected, because, reason, errors, state }: Rejection): Problem =>
  new Problem(reason === 'fault' ? 'failed' : kindOf[rejected], reason, because, { ...(errors && { errors }), ...(state !== undefined && { state }) });

/** An id unknown here, or of another tenant: nobody learns which. */
export const unknown = (noun: string, id: string): Problem =>
  new Problem('unknown', `${noun.toLowerCase().replaceAll(' ', '_')}_not_found`, `Expected to find ${noun} '${id}', but there is none`);

/** A query parameter, header or cursor that cannot be used. */
export const malformed = (code: string, name: string, detail: string): Problem => new Problem('malformed', code, detail, { errors: [{ pointer: `/${name}`, detail }] });

/** A body that breaks its schema. */
export const invalid = (errors: readonly ProblemPointer[], code = 'invalid_body'): Problem =>
  new Problem('invalid', code, errors[0] ? `${errors[0].pointer || 'The body'}: ${errors[0].detail}` : 'The body breaks its schema', { errors });

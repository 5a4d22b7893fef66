/** A setting cannot be used; each detail is one thing that was expected of it. */
export class Unusable extends Error {
  constructor(readonly details: readonly string[]) {
    super(details.join('; '));
  }
}

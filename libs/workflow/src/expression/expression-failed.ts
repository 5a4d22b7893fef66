export type ExpressionFailureCode = 'expression_failed' | 'expression_timeout' | 'expression_too_large';

/** An expression of a definition has no value: it is wrong for these values, does not end, or gives too much. Trying again can't help. */
export class ExpressionFailed extends Error {
  constructor(
    readonly code: ExpressionFailureCode,
    message: string,
    /** Characters into the expression, where it is known. */
    readonly position?: number,
  ) {
    super(message);
    this.name = 'ExpressionFailed';
  }
}

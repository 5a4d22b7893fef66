/**
 * What an expression may use. `steps` is the limit on time: it is counted, not clocked, so that the same expression over the
 * same values ends the same way on every machine; 100,000 steps take about a tenth of a second. `wallMs` only backs it up.
 */
export const limits = {
  /** Characters of an expression. */
  text: 32_768,
  /** Levels of brackets and operators within an expression. */
  nesting: 200,
  /** Evaluations of a part of the expression; big values count as more. */
  steps: 100_000,
  wallMs: 5_000,
  /** Milliseconds within regular expressions. */
  matchingMs: 500,
  /** Levels of evaluation, and with that of recursion. */
  depth: 500,
  /** Items of one sequence. */
  sequence: 100_000,
  /** Characters and members of any value on the way, with shared parts counted each time. */
  value: 1_048_576,
  /** Levels of a value. */
  valueDepth: 200,
  /** Bytes of the result written as JSON. */
  result: 1_048_576,
  /** Characters of the picture of a date or number. */
  picture: 256,
  /** Characters of a regular expression. */
  pattern: 1_000,
} as const;

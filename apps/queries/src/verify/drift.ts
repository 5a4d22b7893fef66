/** What is stored and is not the fold of the log. */
export interface Drift {
  /** For what is summed over many executions: which sum, as in `usage of 2026-11-22`. */
  readonly executionId: string;
  readonly because: string;
}

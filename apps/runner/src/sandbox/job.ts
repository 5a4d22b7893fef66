/** What a sandbox child is asked to run. `scope` is the JSON text of {input, nodes, execution}. */
export interface Job {
  readonly id: number;
  readonly source: string;
  readonly scope: string;
  readonly timeoutMs: number;
}

type JobErrorCode = 'code_failed' | 'code_timeout' | 'code_memory' | 'code_output_invalid' | 'output_too_large';

/** How a job ended: the JSON text of what the code returned, or why there is none. */
export type JobOutcome = { readonly output: string } | { readonly code: JobErrorCode; readonly message: string; readonly retryable: boolean };

export type ConsoleLevel = 'debug' | 'info' | 'warn' | 'error';

/** From a child: that it is ready for a job, a line the code logged, the end of a job (after which it gets ready again, or leaves). */
export type FromChild =
  | { readonly type: 'ready' }
  | { readonly type: 'line'; readonly id: number; readonly level: ConsoleLevel; readonly text: string }
  | { readonly type: 'done'; readonly id: number; readonly outcome: JobOutcome };

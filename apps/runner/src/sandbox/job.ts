/**
 * What goes between the pool and its children, over a socket on descriptor `WIRE`, in frames: the length of the rest (4 bytes, big endian
 * as all numbers here), then
 * - to a child: id (4), limit in milliseconds (4), 1 if it is expected to be quick (1), length of the source (4), source, JSON text of
 *   {input, nodes, execution}. What quick ones give may wait for that of quick ones behind them, and goes together;
 * - from a child: kind (1), id (4), microseconds that the job took (4), and as text: the lines as JSON [[level, text], ...], the JSON text
 *   that the code returned, the failure as JSON, or nothing.
 */
export const WIRE = 3;

/** Kinds of frames from a child. `left`: it takes no further job, and has begun none that it has not ended. */
export const kinds = { ready: 0, lines: 1, output: 2, failure: 3, left: 4 } as const;

type JobErrorCode = 'code_failed' | 'code_timeout' | 'code_memory' | 'code_output_invalid' | 'output_too_large';

export interface JobFailure {
  readonly code: JobErrorCode;
  readonly message: string;
  readonly retryable: boolean;
}

/** How a job ended: the JSON text of what the code returned, or why there is none. */
export type JobOutcome = { readonly output: string } | JobFailure;

export type ConsoleLevel = 'debug' | 'info' | 'warn' | 'error';

import { pause } from '../pause.js';

/** What `retrying` may be told. */
export interface Retrying {
  readonly signal?: AbortSignal;
  /** Told of each failure, with the attempt's number from 1. */
  readonly report?: (error: unknown, attempt: number) => void;
  readonly firstPauseMs?: number;
  readonly longestPauseMs?: number;
  /** Gives up, rejecting with the last error, once this time has passed. Default: never. */
  readonly withinMs?: number;
}

/** Works until it succeeds, with growing pauses. Rejects once `signal` is aborted or the time is over. */
export const retrying = async <T>(work: () => Promise<T>, { signal, report, firstPauseMs = 20, longestPauseMs = 1_000, withinMs }: Retrying): Promise<T> => {
  const deadline = withinMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + withinMs;
  for (let attempt = 1, pauseMs = firstPauseMs; ; attempt++, pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted || Date.now() > deadline) throw error;
      report?.(error, attempt);
      await pause(pauseMs, signal);
      if (signal?.aborted) throw error;
    }
  }
};

/** Resolves when `work` has settled or the time is over, whichever comes first. */
export const atMost = async (work: Promise<unknown>, ms: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([
    work.then(
      () => undefined,
      () => undefined,
    ),
    over,
  ]);
  clearTimeout(timer);
};

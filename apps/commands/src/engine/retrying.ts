import { ProgressMismatch, pause } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';
import { PartitionHalted } from './halted.js';

/** Milliseconds before try n + 1 of something that rests on infrastructure: 50 ms, doubling, 5 s at most. */
export const pauseBefore = (failures: number): number => Math.min(50 * 2 ** Math.min(failures, 10), 5_000);

/** No retry helps against it. */
export const isHalting = (error: unknown): boolean => error instanceof PartitionHalted || error instanceof ProgressMismatch;

/** Tries for ever, because the database or the broker comes back; rejects only when `signal` aborts or no retry helps. */
export const retrying = async <Result>(attempt: () => Promise<Result>, what: string, signal: AbortSignal, logger: Logger): Promise<Result> => {
  for (let failures = 0; ; failures++)
    try {
      signal.throwIfAborted();
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (isHalting(error)) throw error;
      logger.warn({ err: error, what, failures: failures + 1 }, 'waiting for infrastructure');
      await pause(pauseBefore(failures), signal);
    }
};

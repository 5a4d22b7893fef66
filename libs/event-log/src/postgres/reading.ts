import type { Diagnostics } from '../diagnostics.js';
import { pause } from '../pause.js';
import { type Batch, ProgressMismatch } from '../port.js';
import type { Topic } from '../topics.js';
import type { Records } from './records.js';

/** One partition being read by one reader. */
export interface Reading {
  readonly topic: Topic;
  readonly partition: number;
  readonly maxRecords: number;
  /** Where to begin; asked again while it rejects. */
  readonly start: () => Promise<number>;
  readonly onBatch: (batch: Batch) => Promise<void>;
  /** After each handled batch. */
  readonly onHandled?: (next: number) => void;
}

/** Hands batches over strictly in order until `signal` aborts; a rejected batch again and again. Resolves after the batch in flight. */
export const readOn = async (reading: Reading, records: Records, end: () => Promise<number>, signal: AbortSignal, diagnostics: Diagnostics): Promise<void> => {
  const { topic, partition, maxRecords } = reading;
  const at = { topic, partition };
  let offset = -1;
  await untilDone(
    signal,
    (error) => diagnostics.error({ err: error, ...at }, 'a reader cannot start; it tries again'),
    async () => {
      const from = await reading.start();
      const known = await end();
      if (from > known)
        throw new ProgressMismatch(
          `Expected to read '${topic}/${partition}' on from offset ${from}, but the log ends at ${known}. Restore the newer log, or delete this reader's stored progress.`,
        );
      offset = from;
    },
  );
  if (offset < 0) return;
  const follower = records.follow(topic, partition, offset, signal);
  try {
    while (!signal.aborted) {
      const found = await records.next(topic, partition, follower, maxRecords);
      const first = found[0];
      if (!first || signal.aborted) return;
      const batch: Batch = { topic, partition, records: found, end: Math.max(follower.feed.end, follower.at) };
      const handled = await untilDone(
        signal,
        (error) => diagnostics.warn({ err: error, ...at, offset: first.offset }, 'a batch was not handled; it is handed over again'),
        () => reading.onBatch(batch),
      );
      if (!handled) return;
      reading.onHandled?.(follower.at);
    }
  } finally {
    follower.leave();
  }
};

/** Tries again with growing pauses. False when `signal` aborted before it succeeded. */
const untilDone = async (signal: AbortSignal, report: (error: unknown) => void, work: () => Promise<void>): Promise<boolean> => {
  for (let backoff = 20; !signal.aborted; backoff = Math.min(backoff * 2, 2_000)) {
    try {
      await work();
      return true;
    } catch (error) {
      report(error);
      await pause(backoff, signal);
    }
  }
  return false;
};

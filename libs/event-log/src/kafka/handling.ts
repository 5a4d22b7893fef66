import type { Diagnostics } from '../diagnostics.js';
import type { Batch } from '../port.js';
import type { Topic } from '../topics.js';
import type { Fetching } from './fetching.js';
import { live } from './lane.js';
import { retrying } from './retry.js';

/** One partition being handled by one reader. */
export interface Handling {
  readonly topic: Topic;
  readonly partition: number;
  readonly maxRecords: number;
  /** Where to begin; asked again while it rejects. */
  readonly start: () => Promise<number>;
  readonly onBatch: (batch: Batch) => Promise<void>;
  /** After each handled batch. */
  readonly onHandled?: (next: number) => void;
  readonly apartMs?: (() => number) | undefined;
  /** Awaited before each batch. */
  readonly turn?: () => Promise<void> | undefined;
}

/** Hands batches over strictly in order until `signal` aborts; a rejected one again and again. Resolves after the batch in flight. */
export const handle = async (fetching: Fetching, handling: Handling, signal: AbortSignal, diagnostics: Diagnostics): Promise<void> => {
  const { topic, partition, maxRecords, apartMs, onBatch, onHandled, turn } = handling;
  const at = { topic, partition };
  const report = (message: string, fields: object) => (error: unknown) => diagnostics.warn({ err: error, ...at, ...fields }, message);
  try {
    const from = await retrying(handling.start, { signal, longestPauseMs: 2_000, report: report('a reader cannot start; it tries again', {}) });
    for await (const batch of live(fetching, { topic, partition, from, maxRecords, apartMs, signal })) {
      await turn?.();
      if (signal.aborted) return;
      const offset = batch.records[0]?.offset;
      await retrying(() => onBatch(batch), { signal, longestPauseMs: 2_000, report: report('a batch was not handled; it is handed over again', { offset }) });
      onHandled?.((batch.records.at(-1)?.offset as number) + 1);
    }
  } catch (error) {
    if (!signal.aborted) diagnostics.error({ err: error, ...at }, 'a reader has stopped for good');
  }
};

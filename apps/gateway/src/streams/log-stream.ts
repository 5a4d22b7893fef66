import type { LogLineResource, LogQuery, Reads } from '@runlog/contract';
import { logLine } from '../executions/log-line.js';
import type { Frames } from '../frames.js';
import type { Tail } from '../tail.js';
import { PageSize, runsOf } from './pacing.js';
import type { SseWriter } from './sse-writer.js';

const SETTLING_MS = [50, 150, 400, 1000, 2000];

/**
 * Log lines as they are stored, in order. The frames topic only wakes it: lines get their number when they are stored. After the end
 * of the execution it looks on for a moment, because lines may be stored after the last event.
 */
export const streamLogs = async (
  { tail, frames, reads, lineOf }: { tail: Tail; frames: Frames; reads: Reads; lineOf: (line: LogLineResource) => unknown },
  /** `isReset`: the client's last id is not there (any more), so that all lines are sent again. */
  { isReset, ...query }: Omit<LogQuery, 'limit'> & { readonly isReset: boolean },
  ended: () => Promise<{ readonly status: string; readonly version: number } | null>,
  writer: SseWriter,
  until: AbortSignal,
): Promise<void> => {
  let wake = (): void => undefined;
  let woken = true;
  const onNews = () => {
    woken = true;
    wake();
  };
  const stops = [tail.watch(query.executionId, onNews), frames.watch(query.executionId, onNews)];
  until.addEventListener('abort', onNews, { once: true });
  let after = query.after;
  let quiet = 0;
  const size = new PageSize();
  try {
    if (isReset) await writer.write({ id: 0, event: 'reset', data: '{}' });
    while (!until.aborted) {
      if (woken) quiet = 0;
      woken = false;
      const limit = size.rows;
      const lines = (await reads.logs({ ...query, after, limit })).map((line) => ({ id: line.seq, event: 'log', data: JSON.stringify(lineOf(logLine(line))) }));
      if (until.aborted) return;
      const bytes = lines.reduce((sum, { data }) => sum + data.length, 0);
      size.saw(lines.length, bytes);
      for (const run of runsOf(lines, ({ data }) => data.length)) await writer.write(...run);
      after = lines.at(-1)?.id ?? after;
      if (lines.length > 0) quiet = 0;
      if (lines.length === limit || woken) continue;
      const end = quiet >= 3 ? await ended() : null;
      if (end) {
        await writer.write({ event: 'done', data: JSON.stringify({ status: end.status, version: end.version }) });
        return;
      }
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        timer = setTimeout(resolve, SETTLING_MS[Math.min(quiet, SETTLING_MS.length - 1)]);
      });
      clearTimeout(timer);
      quiet++;
    }
  } finally {
    for (const stop of stops) stop();
  }
};

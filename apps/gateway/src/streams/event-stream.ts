import type { EventView, ExecutionView, Freshness, Reads } from '@runlog/contract';
import type { DecodedEvent } from '@runlog/event-log';
import { isTerminalStatus } from '@runlog/read-model';
import { type EventResourceSource, endOf } from '../executions/event-resource.js';
import type { Tail } from '../tail.js';
import type { EventScript } from './event-script.js';
import { LiveBuffer } from './live-buffer.js';
import { PageSize, runsOf } from './pacing.js';
import type { SseWriter } from './sse-writer.js';

const LAGGING_MS = 1000;
/** After so long without news the history is asked again, in case the read model was late when the stream began. */
const IDLE_MS = 15_000;

interface From {
  readonly workspaceId: string;
  readonly executionId: string;
  /** The last version that the client has. */
  readonly after: number;
  /** How the execution stood when the stream was asked for. */
  readonly view: Pick<ExecutionView, 'status' | 'version'>;
  /** The execution as it stands at `after`, for a client whose last id never was, or is no longer kept. */
  readonly reset?: unknown;
  readonly script: EventScript;
}

interface Sources {
  readonly tail: Tail;
  readonly reads: Reads;
  readonly freshness: (executionId: string) => Promise<Freshness>;
}

/**
 * Every event of one execution after a version, once and in order: history from the read model joined with the live tail on the version.
 * Resolves after the terminal event, or when `until` aborts. A slow client's live events are dropped and read from the history instead.
 */
export const streamEvents = async (
  { tail, reads, freshness }: Sources,
  { workspaceId, executionId, after, view, reset, script }: From,
  writer: SseWriter,
  until: AbortSignal,
): Promise<void> => {
  const live = new LiveBuffer<DecodedEvent>(
    (event) => event.value.length,
    ({ version }) => version,
  );
  const unwatch = tail.watch(executionId, (events) => live.push(events));
  until.addEventListener('abort', () => live.wake(), { once: true });
  let last = after;
  /** Writes what follows; true once it wrote the end. */
  const send = async (events: readonly EventResourceSource[]): Promise<boolean> => {
    const due = events.filter(({ version }) => version > last);
    const end = due.findIndex(({ type }) => endOf(type) !== null);
    const now = end < 0 ? due : due.slice(0, end + 1);
    if (now.length === 0) return false;
    for (const run of runsOf(now, ({ value }) => value.length)) {
      await writer.write(...run.flatMap((event) => script.frames(event)));
      last = run.at(-1)?.version ?? last;
    }
    if (end < 0) return false;
    await writer.write(...script.end({ status: endOf(due[end]?.type ?? '') ?? view.status, version: last }));
    return true;
  };
  try {
    if (reset) await writer.write(script.reset(reset, after));
    if (isTerminalStatus(view.status) && after >= view.version) {
      await writer.write(...script.ended(view));
      return;
    }
    let known = 0;
    const size = new PageSize();
    // What the tail had read before it was watched is on the log already: the first look at the history goes up to its end.
    let fresh: Freshness | undefined = await freshness(executionId);
    while (!until.aborted) {
      const limit = size.rows;
      const page: readonly EventView[] = await reads.events({ workspaceId, executionId, after: last, limit, ...(fresh && { fresh }) });
      const bytes = page.reduce((sum, { value }) => sum + value.length, 0);
      size.saw(page.length, bytes);
      if (until.aborted || (await send(page))) return;
      if (page.length === limit) continue;
      // Whoever has the end already gets what came after it: a retry may have been asked for.
      if (isTerminalStatus(view.status) && last >= view.version) {
        await writer.write(...script.ended({ status: view.status, version: last }));
        return;
      }
      fresh = undefined;
      while (!until.aborted) {
        const { events, overflowed } = live.take();
        const next = events.find(({ version }) => version > last);
        known = Math.max(known, events.at(-1)?.version ?? 0);
        if (overflowed !== null || (next && next.version !== last + 1)) {
          known = Math.max(known, overflowed ?? 0);
          fresh = { minVersion: known, timeoutMs: LAGGING_MS };
          break;
        }
        if (await send(events)) return;
        if (events.length === 0 && !(await live.filled(IDLE_MS))) break;
      }
    }
  } finally {
    unwatch();
  }
};

import type { ExecutionStatus, ExecutionView, FrameView, HeardView, Reads } from '@runlog/contract';
import type { Json } from '@runlog/execution';
import { isTerminalStatus } from '@runlog/read-model';
import { asObject } from '../dialects/agents/agents.js';
import { endOf } from '../executions/event-resource.js';
import { tokenUsage } from '../executions/money.js';
import type { Frames } from '../frames.js';
import type { Tail } from '../tail.js';
import type { Frame } from './event-script.js';
import { FrameScript } from './frame-script.js';
import { LiveBuffer } from './live-buffer.js';
import { PageSize } from './pacing.js';
import type { SseWriter } from './sse-writer.js';

/** After so long without news the read model is asked again. */
const IDLE_MS = 15_000;
const LAGGING_MS = 1000;
/** What is not stored so long after the end is not waited for any more. */
const LOST_MS = 30_000;
/** What is kept of live frames while a client takes what came before: it is stored, too, and read from there. In frames and UTF-16 units. */
const ROOM = { items: 200, bytes: 64 * 1024 };

interface Sources {
  readonly tail: Tail;
  readonly frames: Frames;
  readonly reads: Pick<Reads, 'frames' | 'heard'>;
  /** As it stands, at this version at least; `whole`: with its nodes and outputs, wherever they are stored. */
  readonly look: (ask: { readonly minVersion?: number; readonly whole?: true }) => Promise<ExecutionView>;
  readonly wordOf: (status: ExecutionStatus) => string;
}

interface From {
  readonly workspaceId: string;
  readonly executionId: string;
  /** Offset of the last frame that the client has; null: its stream begins. */
  readonly last: number | null;
  /** The version with which the execution had ended when the stream was asked for; null: it goes on. */
  readonly ended: number | null;
}

/**
 * What `/stream` shows of an execution: what its agents think, do and say, the stored frames joined with the live ones on their offset, then
 * one last frame, `done` or `error`. Resolves after it, or when `until` aborts.
 */
export const streamOutcome = async (sources: Sources, from: From, writer: SseWriter, until: AbortSignal): Promise<void> => {
  const last = from.last !== null && from.last < (await sources.frames.end(from.executionId)) ? from.last : null;
  const stream = new OutcomeStream(sources, { ...from, last }, writer, until);
  await (from.ended !== null && last === null ? stream.tellEnd() : stream.run());
};

class OutcomeStream {
  private readonly live = new LiveBuffer<FrameView>(sizeOf, ({ n }) => n, ROOM);
  private readonly size = new PageSize();
  private readonly ask: Pick<From, 'workspaceId' | 'executionId'>;
  private script = new FrameScript();
  private last: number;
  private ended: number | null;

  constructor(
    private readonly sources: Sources,
    private readonly from: From,
    private readonly writer: SseWriter,
    private readonly until: AbortSignal,
  ) {
    const { workspaceId, executionId, last, ended } = from;
    this.ask = { workspaceId, executionId };
    this.last = last ?? -1;
    this.ended = ended;
  }

  async run(): Promise<void> {
    const { frames, tail } = this.sources;
    const { executionId } = this.ask;
    const unwatch = [frames.watch(executionId, (seen) => this.live.push(seen)), tail.watch(executionId, (events) => this.hearOfEnd(events))];
    this.until.addEventListener('abort', () => this.live.wake(), { once: true });
    try {
      if (this.from.last !== null) this.script = new FrameScript(await this.heardBy(this.from.last));
      if (this.from.ended === null) await this.tellStored(await frames.from(executionId));
      await this.follow();
      await this.tellRest();
      if (!this.until.aborted) await this.tellEnd();
    } finally {
      for (const stop of unwatch) stop();
    }
  }

  async tellEnd(): Promise<void> {
    const { look, wordOf } = this.sources;
    const view = await look({ whole: true, ...(this.ended !== null && { minVersion: this.ended }) });
    await this.writer.write(...this.lacking(view), lastFrame(view, wordOf(view.status)));
  }

  private hearOfEnd(events: readonly { readonly type: string; readonly version: number }[]): void {
    this.ended ??= events.find(({ type }) => endOf(type) !== null)?.version ?? null;
    if (this.ended !== null) this.live.wake();
  }

  /** Tells what comes until the execution has ended. */
  private async follow(): Promise<void> {
    while (this.ended === null && !this.until.aborted) {
      if ((await this.tellLive()) || (await this.live.filled(IDLE_MS)) || this.until.aborted) continue;
      const view = await this.sources.look({});
      if (isTerminalStatus(view.status)) this.ended = view.version;
    }
  }

  /** A runner has every frame of an attempt on the log before it reports the attempt's end: what was there at the end is all there is. */
  private async tellRest(): Promise<void> {
    if (this.until.aborted) return;
    const { frames } = this.sources;
    const end = await frames.end(this.ask.executionId);
    const isLive = this.from.ended === null && (await frames.passed(this.ask.executionId, end, LAGGING_MS));
    if (isLive) await this.tellLive();
    else await this.tellStored(end, performance.now() + LOST_MS);
  }

  /** Tells what has come by meanwhile; true if something did. */
  private async tellLive(): Promise<boolean> {
    const { events, overflowed } = this.live.take();
    if (overflowed !== null) await this.tellStored(overflowed + 1);
    else await this.tell(events);
    return overflowed !== null || events.length > 0;
  }

  /** Tells of every frame that is stored, and waits for those below the offset to be, until the deadline. */
  private async tellStored(offset: number, deadline = Number.POSITIVE_INFINITY): Promise<void> {
    while (!this.until.aborted) {
      const limit = this.size.rows;
      const { frames, storedTo } = await this.sources.reads.frames({ ...this.ask, after: this.last, limit, fresh: { offset, timeoutMs: LAGGING_MS } });
      const bytes = frames.reduce((sum, view) => sum + sizeOf(view), 0);
      this.size.saw(frames.length, bytes);
      await this.tell(frames);
      if (frames.length < limit && (storedTo >= offset || performance.now() > deadline)) return;
    }
  }

  private async tell(views: readonly FrameView[]): Promise<void> {
    const due = views.filter(({ n }) => n > this.last);
    this.last = due.at(-1)?.n ?? this.last;
    await this.writer.write(...this.script.frames(due));
  }

  /** What a client has heard that has every frame up to the offset, which may not be stored yet. */
  private async heardBy(last: number): Promise<readonly HeardView[]> {
    const { reads } = this.sources;
    for (let storedTo = 0; storedTo <= last && !this.until.aborted; )
      ({ storedTo } = await reads.frames({ ...this.ask, after: last, limit: 1, fresh: { offset: last + 1, timeoutMs: LAGGING_MS } }));
    return reads.heard({ ...this.ask, n: last });
  }

  /** The rest of what agents said where frames of it are lost, from their outputs. */
  private lacking({ nodes, version }: ExecutionView): Frame[] {
    const torn = this.script.agents.filter(({ is_torn }) => is_torn);
    return torn.flatMap(({ node_id }) => {
      const text = responseOf(nodes?.[node_id]?.output ?? null);
      return text === null ? [] : this.script.missing(node_id, text, version - 1, this.last);
    });
  }
}

const responseOf = (output: Json): string | null => {
  const response = typeof output === 'object' && output !== null && 'response' in output ? output.response : null;
  return typeof response === 'string' ? response : null;
};

const sizeOf = ({ frame }: FrameView): number => 100 + ('text' in frame ? frame.text.length : 'summary' in frame ? (frame.summary?.length ?? 0) : 0);

const lastFrame = (view: ExecutionView, status: string): Frame => {
  if (view.status === 'completed') {
    const output = view.output_ref ? { output_ref: { ...view.output_ref } } : asObject(view.output);
    return { event: 'done', data: JSON.stringify({ output, token_usage: tokenUsage(view.token_usage) }) };
  }
  const message = view.error ?? `The execution was ${view.status}${view.status_reason === null ? '' : `: ${view.status_reason}`}`;
  return { event: 'error', data: JSON.stringify({ message, code: view.error_code ?? view.status, status }) };
};

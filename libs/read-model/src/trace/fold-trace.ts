import type { ExecutionEvent, ExecutionId, Json } from '@runlog/execution';
import { foldAttempt } from './fold-attempt.js';
import { foldAgentCall } from './fold-call.js';
import { foldGateSpan } from './fold-gate-span.js';
import { foldPhase } from './fold-phase.js';
import { shown, type TracedAgent } from './gen-ai.js';
import type { SpanLink, TraceContext, TraceSpan } from './span.js';
import { SpanBook } from './span-book.js';

/** What a trace needs to know of a definition. A compiled workflow is one. */
export interface TraceNames {
  readonly nodes: ReadonlyMap<string, { readonly type: string; readonly definition: { readonly name: string }; readonly agent?: TracedAgent | null }>;
}

export interface TraceOptions {
  readonly names: TraceNames;
  /** Prompts, answers, inputs and outputs are shown. */
  readonly withContent: boolean;
  /** Characters of contents at most, all spans together. Default: no limit. */
  readonly contentLimit?: number;
  /** Executions that this one goes on from. */
  readonly links?: readonly SpanLink[];
  /** Spans at most. Default: no limit. */
  readonly limit?: number;
}

/** An event as the fold of a trace needs it. */
export type TracedEvent = ExecutionEvent & { readonly executionId: ExecutionId; readonly version: number; readonly at: number; readonly commandId: string };

/** What the folds of one kind of event work with. */
export interface Tracing extends TraceOptions {
  readonly book: SpanBook;
  readonly executionId: ExecutionId;
  /** A content as an attribute; undefined where it is not to be shown. */
  readonly show: (content: Json | undefined) => string | undefined;
}

/**
 * The spans of an execution, folded from its events alone: every process that folds them finds the same ones, so that a trace has neither gaps nor doubles
 * whoever died meanwhile. Events in order, from the first.
 */
export class TraceFold {
  readonly #tracing: Tracing;
  /** Of the last event folded. */
  version = 0;

  constructor(executionId: ExecutionId, context: TraceContext, options: TraceOptions) {
    let left = options.withContent ? (options.contentLimit ?? Number.POSITIVE_INFINITY) : 0;
    const show = (content: Json | undefined): string | undefined => {
      if (content === undefined || content === null || left <= 0) return undefined;
      const text = shown(content);
      left -= text.length;
      return text;
    };
    this.#tracing = { ...options, executionId, show, book: new SpanBook(executionId, context, options.limit ?? Number.POSITIVE_INFINITY) };
  }

  apply(event: TracedEvent): void {
    const { book } = this.#tracing;
    this.version = event.version;
    book.turn(event.commandId, event.at);
    foldPhase(this.#tracing, event);
    foldAttempt(this.#tracing, event);
    foldGateSpan(this.#tracing, event);
    foldAgentCall(this.#tracing, event);
    if (!book.has('execution')) book.settle();
  }

  /** Spans that have ended since the last call, for good. */
  takeEnded(): TraceSpan[] {
    return this.#tracing.book.take();
  }

  /** Spans that go on, or have ended in the last command. */
  get pending(): TraceSpan[] {
    return this.#tracing.book.pending;
  }

  get isOver(): boolean {
    return this.version > 0 && !this.#tracing.book.has('execution');
  }

  /** There are spans above the limit. */
  get isTruncated(): boolean {
    return this.#tracing.book.isTruncated;
  }
}

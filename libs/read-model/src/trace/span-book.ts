import { type ExecutionId, spanId } from '@runlog/execution';
import type { Attributes, SpanKind, SpanLink, SpanStatus, TraceContext, TraceSpan } from './span.js';

type Draft = { -readonly [Member in keyof TraceSpan]: TraceSpan[Member] };

interface Open {
  readonly span: Draft;
  readonly parent: string | null;
  readonly children: Set<string>;
  readonly openedBy: string;
  /** Says nothing if it took no time: dropped when the command that opened it closes it. */
  readonly isPhase: boolean;
}

interface Opening {
  /** What its id is derived from. */
  readonly path: readonly (string | number)[];
  readonly parent: string | null;
  readonly name: string;
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  readonly isPhase?: true;
}

/**
 * The spans of one execution while its events are folded. A place (e.g. `node/fetch`) holds one open span at a time. Time never runs backwards here, whatever
 * the clocks of the processes say, and a span closes with everything in it: so children lie within their parents. What a command has closed may still
 * change until the next command.
 */
export class SpanBook {
  readonly #open = new Map<string, Open>();
  readonly #settling = new Map<string, Draft>();
  #ended: TraceSpan[] = [];
  #command = '';
  #opened = 0;
  #nth = 0;
  #now = 0;
  /** Spans were left out. */
  isTruncated = false;

  constructor(
    private readonly executionId: ExecutionId,
    private readonly context: TraceContext,
    /** Spans at most; what is opened later is left out. */
    private readonly limit: number,
  ) {}

  /** The next event's command and time. */
  turn(command: string, at: number): void {
    this.#now = Math.max(this.#now, at);
    if (command === this.#command) return;
    this.#command = command;
    this.settle();
  }

  /** Nothing changes any more of what has been closed. */
  settle(): void {
    this.#ended.push(...this.#settling.values());
    this.#settling.clear();
  }

  /** What has ended since the last call, for good. */
  take(): TraceSpan[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }

  /** What has not ended, or may still change, in the order of opening. */
  get pending(): TraceSpan[] {
    return [...this.#settling.values(), ...[...this.#open.values()].map(({ span }) => span)];
  }

  has(place: string): boolean {
    return this.#open.has(place);
  }

  open(place: string, { path, parent, name, kind = 'internal', attributes = {}, isPhase }: Opening): void {
    this.close(place);
    const within = parent === null ? undefined : this.#open.get(parent);
    if (parent !== null && !within) return;
    if (this.#opened >= this.limit) {
      this.isTruncated = true;
      return;
    }
    this.#opened++;
    within?.children.add(place);
    const span: Draft = {
      traceId: this.context.traceId,
      spanId: spanId(this.executionId, ...path),
      parentSpanId: within?.span.spanId ?? this.context.parentSpanId,
      name,
      kind,
      nth: ++this.#nth,
      startMs: this.#now,
      endMs: null,
      status: 'unset',
      message: null,
      attributes,
      events: [],
      links: [],
    };
    this.#open.set(place, { span, parent, children: new Set(), openedBy: this.#command, isPhase: isPhase ?? false });
  }

  close(place: string, status: SpanStatus = 'unset', message: string | null = null): void {
    const open = this.#open.get(place);
    if (!open) return;
    for (const child of open.children) this.close(child, status === 'error' ? status : 'unset', message);
    this.#open.delete(place);
    if (open.parent !== null) this.#open.get(open.parent)?.children.delete(place);
    if (open.isPhase && open.openedBy === this.#command) {
      this.#opened--;
      return;
    }
    open.span.endMs = this.#now;
    if (status !== 'unset' && !open.isPhase) Object.assign(open.span, { status, message });
    this.#settling.set(open.span.spanId, open.span);
  }

  /** Adds to an open span, or by its id's path to one that this command has closed. */
  describe(place: string, attributes: Attributes, path?: readonly (string | number)[]): void {
    const span = this.#open.get(place)?.span ?? (path && this.#settling.get(spanId(this.executionId, ...path)));
    if (span) span.attributes = { ...span.attributes, ...attributes };
  }

  note(place: string, name: string, attributes: Attributes): void {
    const span = this.#open.get(place)?.span;
    if (span) span.events = [...span.events, { name, at: this.#now, attributes }];
  }

  link(place: string, links: readonly SpanLink[]): void {
    const span = this.#open.get(place)?.span;
    if (span) span.links = links;
  }
}

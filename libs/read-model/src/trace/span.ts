export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = { readonly [name: string]: AttributeValue };

/** Another trace's span that this one has to do with. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

interface SpanEvent {
  readonly name: string;
  /** Milliseconds UTC. */
  readonly at: number;
  readonly attributes: Attributes;
}

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';
export type SpanStatus = 'unset' | 'ok' | 'error';

/** One span of an execution's trace, as OpenTelemetry has them. Times in milliseconds UTC. */
export interface TraceSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** null: nobody else's span caused the execution. */
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: SpanKind;
  /** Of the spans of the execution, by their beginnings. */
  readonly nth: number;
  readonly startMs: number;
  /** null: it goes on. */
  readonly endMs: number | null;
  readonly status: SpanStatus;
  /** What went wrong, of an error. */
  readonly message: string | null;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
}

/** Where an execution's spans belong. */
export interface TraceContext {
  readonly traceId: string;
  /** The span that caused the execution: of the request that created it. */
  readonly parentSpanId: string | null;
}

/** Attributes without those that there is nothing to say of. */
export const attributes = (all: { readonly [name: string]: AttributeValue | null | undefined }): Attributes =>
  Object.fromEntries(Object.entries(all).filter((entry): entry is [string, AttributeValue] => entry[1] !== null && entry[1] !== undefined));

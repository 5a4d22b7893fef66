import { type Attributes, type SpanContext, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { TRACE_SCOPE, type TraceSpan } from '@runlog/read-model';

const kinds = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER } as const;
const statuses = { unset: SpanStatusCode.UNSET, ok: SpanStatusCode.OK, error: SpanStatusCode.ERROR } as const;
const SAMPLED = 1;

/** A span that has ended, as the SDK's exporters take it. */
export const readableSpan = (span: TraceSpan, resource: Resource): ReadableSpan => {
  const endMs = span.endMs ?? span.startMs;
  return {
    name: span.name,
    kind: kinds[span.kind],
    spanContext: () => contextOf(span.traceId, span.spanId),
    ...(span.parentSpanId === null ? {} : { parentSpanContext: contextOf(span.traceId, span.parentSpanId) }),
    startTime: hrTime(span.startMs),
    endTime: hrTime(endMs),
    duration: hrTime(endMs - span.startMs),
    ended: true,
    status: { code: statuses[span.status], ...(span.message === null ? {} : { message: span.message }) },
    attributes: span.attributes as Attributes,
    events: span.events.map(({ name, at, attributes }) => ({ name, time: hrTime(at), attributes: attributes as Attributes })),
    links: span.links.map(({ traceId, spanId, attributes }) => ({ context: contextOf(traceId, spanId), attributes: attributes as Attributes })),
    resource,
    instrumentationScope: { name: TRACE_SCOPE },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
};

const contextOf = (traceId: string, spanId: string): SpanContext => ({ traceId, spanId, traceFlags: SAMPLED });

const hrTime = (ms: number): [seconds: number, nanoseconds: number] => [Math.floor(ms / 1000), Math.round((ms % 1000) * 1_000_000)];

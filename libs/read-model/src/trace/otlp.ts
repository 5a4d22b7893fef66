import type { AttributeValue, SpanKind, SpanStatus, TraceSpan } from './span.js';

const kindNumbers: { readonly [Kind in SpanKind]: number } = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
const statusNumbers: { readonly [Status in SpanStatus]: number } = { unset: 0, ok: 1, error: 2 };

/** The name of the instrumentation scope of what is folded from the log. */
export const TRACE_SCOPE = 'runlog.log';

/** Whom these spans are said to come from: an execution is the work of all services together. */
export const tracedService = (name: string | undefined) => ({ 'service.name': name ?? 'runlog' });

/** Spans as OTLP/JSON: what `POST /v1/traces` of a collector takes. Only those that have ended. */
export const otlpJson = (spans: readonly TraceSpan[], resource: { readonly [name: string]: AttributeValue }) => ({
  resourceSpans: [
    {
      resource: { attributes: keyValues(resource) },
      scopeSpans: [{ scope: { name: TRACE_SCOPE }, spans: spans.filter(({ endMs }) => endMs !== null).map(otlpSpan) }],
    },
  ],
});

const otlpSpan = ({ traceId, spanId, parentSpanId, name, kind, startMs, endMs, attributes, events, links, status, message }: TraceSpan) => ({
  traceId,
  spanId,
  ...(parentSpanId === null ? {} : { parentSpanId }),
  name,
  kind: kindNumbers[kind],
  startTimeUnixNano: nanos(startMs),
  endTimeUnixNano: nanos(endMs ?? startMs),
  attributes: keyValues(attributes),
  events: events.map((event) => ({ timeUnixNano: nanos(event.at), name: event.name, attributes: keyValues(event.attributes) })),
  links: links.map((link) => ({ traceId: link.traceId, spanId: link.spanId, attributes: keyValues(link.attributes) })),
  status: { code: statusNumbers[status], ...(message === null ? {} : { message }) },
});

const nanos = (ms: number): string => `${Math.round(ms)}000000`;

const keyValues = (attributes: { readonly [name: string]: AttributeValue }) => Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

const anyValue = (value: AttributeValue): object => {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
  return { arrayValue: { values: value.map(anyValue) } };
};

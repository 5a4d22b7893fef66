import type { ExecutionView, SpanResource, TraceResource } from '@runlog/contract';
import type { TraceFold, TraceSpan } from '@runlog/read-model';
import { utc, utcOrNull } from './execution-times.js';

/** The spans as a tree under the execution's own, children in the order in which they began; what goes on counts up to `now`. */
export const traceResource = (view: ExecutionView, spans: readonly TraceSpan[], { isTruncated }: Pick<TraceFold, 'isTruncated'>, now: number): TraceResource => {
  const children = new Map<string, TraceSpan[]>();
  for (const span of spans) {
    const siblings = children.get(span.parentSpanId ?? '');
    if (siblings) siblings.push(span);
    else children.set(span.parentSpanId ?? '', [span]);
  }
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const root = spans.find(({ parentSpanId }) => parentSpanId === null || !ids.has(parentSpanId));
  if (!root) throw new Error(`Expected a span of execution '${view.id}' itself, but its history has none`);
  const resource = (span: TraceSpan): SpanResource => ({
    span_id: span.spanId,
    parent_span_id: span.parentSpanId,
    name: span.name,
    kind: span.kind,
    status: span.status,
    status_message: span.message,
    start_at: utc(span.startMs),
    end_at: utcOrNull(span.endMs),
    offset_ms: span.startMs - root.startMs,
    duration_ms: Math.max(0, (span.endMs ?? now) - span.startMs),
    attributes: span.attributes,
    events: span.events.map(({ name, at, attributes }) => ({ name, at: utc(at), attributes })),
    links: span.links.map(({ traceId, spanId, attributes }) => ({ trace_id: traceId, span_id: spanId, attributes })),
    children: (children.get(span.spanId) ?? []).sort((a, b) => a.nth - b.nth).map(resource),
  });
  return {
    object: 'trace',
    execution_id: view.id,
    trace_id: root.traceId,
    status: view.status,
    version: view.version,
    span_count: spans.length,
    truncated: isTruncated,
    root: resource(root),
  };
};

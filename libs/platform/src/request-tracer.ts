import type { Attributes } from '@opentelemetry/api';
import type { Config } from './config.js';

/** Where a span begins: W3C ids. */
interface RemoteParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

/** The span of a request, measured from here to `end`. */
interface RequestSpan {
  /** W3C, for what the request causes. */
  readonly traceparent: string;
  /** `error`: what kind of failure it was; absent: none of ours. */
  end(name: string, attributes: Attributes, error?: string): void;
}

/** Measures requests that a service answers, and exports their spans in batches: a collector that is away costs spans, never a request. */
export interface RequestTracer {
  begin(name: string, parent: RemoteParent | undefined, attributes: Attributes): RequestSpan;
  /** Sends what it has, within a second. */
  close(): Promise<void>;
}

const CLOSING_MS = 1_000;

/** A tracer of service `service` that exports to `url`. Sampler and batches are as the `OTEL_*` variables say. */
export const openRequestTracer = async (service: string, { url, serviceName }: Config['traces'] & { readonly url: string }): Promise<RequestTracer> => {
  // Only where spans are exported does anybody pay for what this loads.
  const [{ ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace }, { BasicTracerProvider, BatchSpanProcessor }, { resourceFromAttributes }, { OTLPTraceExporter }] =
    await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-trace-otlp-http'),
    ]);
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName ?? service }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  });
  const tracer = provider.getTracer('runlog.http');
  return {
    begin(name, parent, attributes) {
      const context = parent
        ? trace.setSpanContext(ROOT_CONTEXT, {
            traceId: parent.traceId,
            spanId: parent.spanId,
            traceFlags: parent.sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
            isRemote: true,
          })
        : ROOT_CONTEXT;
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, context);
      const { traceId, spanId, traceFlags } = span.spanContext();
      return {
        traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
        end(named, more, error) {
          span.updateName(named);
          span.setAttributes(more);
          if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
          span.end();
        },
      };
    },
    // A collector that is away keeps nobody from stopping.
    close: () => Promise.race([provider.shutdown().catch(() => undefined), new Promise<void>((resolve) => setTimeout(resolve, CLOSING_MS).unref())]),
  };
};

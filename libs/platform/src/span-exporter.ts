import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';

/** Sends spans to a collector over OTLP/HTTP. */
export interface SpanSender {
  /** Rejects when the collector did not take all of them, after a few tries. Then it may have taken some. */
  send(spans: readonly ReadableSpan[]): Promise<void>;
  readonly exporter: SpanExporter;
  close(): Promise<void>;
}

/** A collector at this address of OTLP/HTTP. Headers, time-out and compression are as the `OTEL_EXPORTER_OTLP_*` variables say. */
export const openSpanSender = async (url: string): Promise<SpanSender> => {
  // Only where spans are exported does anybody pay for what this loads.
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const exporter = new OTLPTraceExporter({ url });
  return {
    exporter,
    send: (spans) =>
      new Promise((resolve, reject) => {
        exporter.export([...spans], ({ code, error }) => {
          if (code === 0) resolve();
          else reject(new Error(`Expected '${url}' to take ${spans.length} spans, but ${error?.message ?? 'it did not'}`, { cause: error }));
        });
      }),
    close: () => exporter.shutdown(),
  };
};

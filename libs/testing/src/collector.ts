import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** A span as it came over the wire, OTLP/JSON. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: { readonly [name: string]: unknown };
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number; readonly message?: string };
  /** `service.name` of the resource. */
  readonly service: unknown;
}

/** A receiver of OTLP/HTTP with JSON, as a collector is one. */
export interface TestCollector {
  /** As `OTEL_EXPORTER_OTLP_ENDPOINT` has it. */
  readonly url: string;
  /** Everything received, doubles included. */
  readonly spans: readonly CollectedSpan[];
  /** Headers of the last request. */
  readonly headers: IncomingMessage['headers'];
  /** It answers 503 and takes nothing. */
  isAway: boolean;
  /** Requests that came while it was away. */
  readonly refused: number;
  stop(): Promise<void>;
}

interface Value {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly Value[] };
}
type KeyValues = readonly { readonly key: string; readonly value: Value }[];
interface Received {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: KeyValues };
    readonly scopeSpans: readonly { readonly spans: readonly (Omit<CollectedSpan, 'attributes' | 'service'> & { readonly attributes: KeyValues })[] }[];
  }[];
}

export const startTestCollector = async (): Promise<TestCollector> => {
  const state = { spans: [] as CollectedSpan[], headers: {} as IncomingMessage['headers'], isAway: false, refused: 0 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (state.isAway || request.url !== '/v1/traces') {
        state.refused++;
        response.writeHead(state.isAway ? 503 : 404).end();
        return;
      }
      const body = Buffer.concat(chunks);
      state.headers = request.headers;
      state.spans.push(...spansOf(JSON.parse((request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8')) as Received));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
};

/** The spans of an OTLP/JSON document. */
export const spansOf = ({ resourceSpans }: Received): CollectedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ ...span, attributes: plain(span.attributes), service: plain(resource.attributes)['service.name'] }))),
  );

const plain = (attributes: KeyValues) => Object.fromEntries(attributes.map(({ key, value }) => [key, read(value)]));

const read = (value: Value): unknown =>
  value.arrayValue
    ? value.arrayValue.values.map(read)
    : (value.stringValue ?? value.boolValue ?? value.doubleValue ?? (value.intValue === undefined ? null : Number(value.intValue)));

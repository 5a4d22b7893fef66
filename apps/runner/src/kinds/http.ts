import type { Json } from '@runlog/execution';
import { EgressDenied } from '../egress/policy.js';
import { send } from '../http/redirects.js';
import { requestOf } from '../http/request.js';
import { bodyAs, headersAsJson, retryAfterMs, textOf } from '../http/response.js';
import { type NodeContext, NodeFailure, type NodeKind, type NodeResult, terminal } from './node-kind.js';

const isRetryable = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** Sends one HTTP request and gives {status, headers, body}. */
export const http: NodeKind = {
  kind: 'http',
  defaultTimeoutMs: 60_000,

  async run(context: NodeContext): Promise<NodeResult> {
    const { config, egress, signal } = context;
    const request = await requestOf(context);
    const label = `${request.method} ${request.url.origin}${request.url.pathname}`;
    const began = performance.now();
    try {
      const response = await send(request, egress, signal, secretHeaderOf(config.auth));
      const { statusCode: status, headers } = response;
      const text = await textOf(response);
      context.log('info', `${label}: ${status}`, { status, ms: Math.round(performance.now() - began), bytes: Buffer.byteLength(text) });
      if (!isExpected(config.expect_status, status)) {
        const message = `Expected '${label}' to answer with ${expectation(config.expect_status)}, but it answered ${status}: ${text.slice(0, 500)}`;
        throw new NodeFailure({ code: 'http_status', message, retryable: isRetryable(status), retryAfterMs: retryAfterMs(headers['retry-after'], Date.now()) });
      }
      return { output: { status, headers: headersAsJson(headers), body: bodyAs(config.response, text, String(headers['content-type'] ?? '')) } };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw failureOf(error, label);
    }
  },
};

const secretHeaderOf = (auth: Json | undefined): string | undefined =>
  typeof auth === 'object' && auth !== null && !Array.isArray(auth) && auth.type === 'header' ? String(auth.header) : undefined;

const isExpected = (expected: Json | undefined, status: number): boolean => {
  if (expected === undefined || expected === null) return status >= 200 && status < 300;
  return (Array.isArray(expected) ? expected : [expected]).some((one) => one === status || one === `${Math.floor(status / 100)}xx`);
};

const expectation = (expected: Json | undefined): string => (expected === undefined || expected === null ? 'a status of 200 to 299' : `status ${[expected].flat().join(' or ')}`);

const failureOf = (error: unknown, label: string): NodeFailure => {
  if (error instanceof NodeFailure) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  if (cause instanceof EgressDenied) return terminal('http_forbidden', cause.message);
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const reason = cause instanceof AggregateError ? cause.errors.map((one: Error) => one.message).join('; ') || cause.message : cause.message;
  return new NodeFailure(
    { code: code.includes('TIMEOUT') ? 'http_timeout' : 'http_unreachable', message: `Expected '${label}' to answer, but ${reason || code}`, retryable: true },
    { cause },
  );
};

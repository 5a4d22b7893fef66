import type { Json } from '@runlog/execution';
import { EgressDenied } from '../egress/policy.js';
import { send } from '../http/redirects.js';
import { requestOf } from '../http/request.js';
import { bodyAs, headersAsJson, retryAfterMs, textOf } from '../http/response.js';
import { type NodeContext, NodeFailure, type NodeKind, type NodeResult } from './node-kind.js';

/** A gateway says so that has heard nothing, or nothing that it understood, from the server behind it. */
const saysNothing = new Set([502, 504]);
/** No request has left: there was no connection. */
const unconnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'UND_ERR_CONNECT_TIMEOUT']);

const isRetryable = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** Sends one HTTP request and gives {status, headers, body}. */
export const http: NodeKind = {
  kind: 'http',
  defaultTimeoutMs: 60_000,
  saysWhenItBegins: true,

  async run(context: NodeContext): Promise<NodeResult> {
    const { config, egress, signal } = context;
    const request = await requestOf(context);
    const label = `${request.method} ${request.url.origin}${request.url.pathname}`;
    const began = performance.now();
    let isAnswered = false;
    try {
      context.begins();
      const response = await send(request, egress, signal, { secretHeader: secretHeaderOf(config.auth), onAnswer: () => (isAnswered = true), isFresh: context.effect !== null });
      const { statusCode: status, headers } = response;
      const text = await textOf(response);
      context.log('info', `${label}: ${status}`, { status, ms: Math.round(performance.now() - began), bytes: Buffer.byteLength(text) });
      if (!isExpected(config.expect_status, status)) {
        const message = `Expected '${label}' to answer with ${expectation(config.expect_status)}, but it answered ${status}: ${text.slice(0, 500)}`;
        const effect = saysNothing.has(status) ? 'unknown' : undefined;
        throw new NodeFailure({ code: 'http_status', message, retryable: isRetryable(status), retryAfterMs: retryAfterMs(headers['retry-after'], Date.now()), effect });
      }
      return { output: { status, headers: headersAsJson(headers), body: bodyAs(config.response, text, String(headers['content-type'] ?? '')) } };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw failureOf(error, label, isAnswered);
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

const isErrorLike = (error: unknown): error is Error => typeof error === 'object' && error !== null && 'message' in error;

const failureOf = (error: unknown, label: string, isAnswered: boolean): NodeFailure => {
  // Whatever its answer was, it can't be used.
  if (error instanceof NodeFailure)
    return isAnswered && error.code !== 'http_status' ? new NodeFailure({ ...error, message: error.message, effect: 'unknown' }, { cause: error }) : error;
  const cause = isErrorLike(error) ? error : new Error(String(error));
  if (cause instanceof EgressDenied)
    return new NodeFailure({ code: 'http_forbidden', message: cause.message, retryable: false, ...(isAnswered ? {} : { effect: 'none' as const }) });
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const reason = cause instanceof AggregateError ? cause.errors.map((one: Error) => one.message).join('; ') || cause.message : cause.message;
  return new NodeFailure(
    {
      code: code.includes('TIMEOUT') ? 'http_timeout' : 'http_unreachable',
      message: `Expected '${label}' to answer, but ${reason || code}`,
      retryable: true,
      effect: !isAnswered && (unconnected.has(code) || /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)) ? 'none' : 'unknown',
    },
    { cause },
  );
};

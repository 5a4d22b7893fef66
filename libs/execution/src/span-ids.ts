import { createHash } from 'node:crypto';
import type { ExecutionId, NodeId } from './ids.js';

/** The id of a span of an execution's trace (16 hex digits): derived, so that every process finds the same and a repeated export changes nothing. */
export const spanId = (executionId: ExecutionId, ...path: readonly (string | number)[]): string =>
  createHash('sha256')
    .update(JSON.stringify([executionId, ...path]))
    .digest('hex')
    .slice(0, 16);

/** Of the execution itself: the root of its part of the trace. */
export const executionSpanId = (executionId: ExecutionId): string => spanId(executionId);

export const attemptSpanId = (executionId: ExecutionId, node: NodeId, attempt: number): string => spanId(executionId, 'node', node, attempt);

/** Of a call of an agent, in the attempt that made it. */
export const callSpanId = (executionId: ExecutionId, node: NodeId, attempt: number, key: string): string => spanId(executionId, 'node', node, attempt, 'call', key);

/** The trace of an execution that nobody gave one (32 hex digits). */
export const ownTraceId = (executionId: ExecutionId): string => createHash('sha256').update(`trace:${executionId}`).digest('hex').slice(0, 32);

/** A W3C traceparent taken apart; undefined where it is none. */
export const readTraceparent = (traceparent: string | undefined): { readonly traceId: string; readonly spanId: string; readonly sampled: boolean } | undefined => {
  const match = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '');
  if (!match) return undefined;
  const [, traceId = '', parent = '', flags = ''] = match;
  return { traceId, spanId: parent, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
};

/** The traceparent with which what span `id` causes elsewhere goes on in the same trace. */
export const traceparentFrom = (traceparent: string, id: string): string => {
  const [version, traceId, , flags] = traceparent.split('-');
  return [version, traceId, id, flags].join('-');
};

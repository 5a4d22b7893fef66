import { callSpanId, type NodeTask, traceparentFrom } from '@runlog/execution';

/** W3C Trace Context of a call of an agent: what it causes elsewhere goes on from the call's own span. */
export const tracedCall = ({ traceparent, executionId, node, attempt }: NodeTask, key: string): { readonly traceparent?: string } =>
  traceparent === undefined ? {} : { traceparent: traceparentFrom(traceparent, callSpanId(executionId, node, attempt, key)) };

import type { ExecutionView } from '@runlog/contract';
import { executionSpanId, ownTraceId, readTraceparent } from '@runlog/execution';
import type { SpanLink, TraceContext } from './span.js';

/** Where the spans of an execution belong, by the traceparent of the command that created it; without one to a trace of its own. */
export const traceContextOf = (executionId: string, traceparent: string | undefined): TraceContext & { readonly sampled: boolean } => {
  const parent = readTraceparent(traceparent);
  return { traceId: parent?.traceId ?? ownTraceId(executionId), parentSpanId: parent?.spanId ?? null, sampled: parent?.sampled ?? true };
};

/** An execution that another goes on from, and how. */
export interface Predecessor {
  readonly relation: 'parent' | 'retry_of' | 'replay_of';
  readonly id: string;
}

export const predecessorsOf = ({ parent_execution_id, retry_of, replay_of }: Pick<ExecutionView, 'parent_execution_id' | 'retry_of' | 'replay_of'>): Predecessor[] => [
  ...(parent_execution_id === null ? [] : [{ relation: 'parent' as const, id: parent_execution_id }]),
  ...(retry_of === null ? [] : [{ relation: 'retry_of' as const, id: retry_of }]),
  ...(replay_of === null ? [] : [{ relation: 'replay_of' as const, id: replay_of }]),
];

/** `traceId`: of the predecessor. */
export const linkTo = ({ relation, id }: Predecessor, traceId: string | null): SpanLink => ({
  traceId: traceId ?? ownTraceId(id),
  spanId: executionSpanId(id),
  attributes: { 'runlog.link': relation, 'runlog.execution.id': id },
});

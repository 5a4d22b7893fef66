import type { CancellationResource, ExecutionView, NodeView } from '@runlog/contract';
import { utc } from './execution-times.js';

/** The receipt of a cancel; null when nobody has asked for one. Clocks of other machines may differ: no time is negative. */
export const cancellationOf = ({ cancel_requested_at: requestedAt, cancellation, status, nodes }: ExecutionView): CancellationResource | null => {
  if (requestedAt === null || !cancellation) return null;
  const asked = Object.values(nodes ?? {}).filter((node) => node.status === 'running' || node.stop !== null);
  return {
    requested_at: utc(requestedAt),
    by: cancellation.by,
    reason: cancellation.reason,
    acknowledged: status === 'cancelled' && asked.every(({ stop }) => stop?.acknowledged),
    nodes: asked.map((node) => receiptOf(node, requestedAt)),
  };
};

const receiptOf = ({ node_id, attempts, stop, stopped_at }: NodeView, requestedAt: number): CancellationResource['nodes'][number] => ({
  node_id,
  attempt: attempts.at(-1)?.attempt ?? 0,
  outcome: stop?.outcome ?? 'unknown',
  ms: stopped_at === null ? null : Math.max(0, stopped_at - requestedAt),
  ...(stop?.signalled_at == null ? {} : { signalled_ms: Math.max(0, stop.signalled_at - requestedAt) }),
});

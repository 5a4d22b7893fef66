import { describe, expect, it } from '@jest/globals';
import type { ExecutionView, NodeView } from '@runlog/contract';
import { cancellationOf } from './cancellation.js';

const node = (node_id: string, given: Partial<NodeView>): NodeView => ({ node_id, status: 'idle', stopped_at: null, stop: null, attempts: [{ attempt: 1 }], ...given }) as NodeView;

const receipt = (status: ExecutionView['status'], ...nodes: NodeView[]) =>
  cancellationOf({
    status,
    cancel_requested_at: 1000,
    cancellation: { by: 'user:ann', reason: 'enough' },
    nodes: Object.fromEntries(nodes.map((one) => [one.node_id, one])),
  } as unknown as ExecutionView);

const stopped = node('a', { status: 'stopped', stopped_at: 1040, stop: { outcome: 'stopped', acknowledged: true, signalled_at: 1012 } });

describe('the receipt of a cancel', () => {
  it('is null when nobody asked for one', () => {
    expect(cancellationOf({ cancel_requested_at: null, cancellation: null } as ExecutionView)).toBeNull();
  });

  it('says how each node ended and how long it took, and leaves out those that the cancel did not reach', () => {
    expect(receipt('cancelled', stopped, node('done', { status: 'completed' }))).toEqual({
      requested_at: '1970-01-01T00:00:01.000Z',
      by: 'user:ann',
      reason: 'enough',
      acknowledged: true,
      nodes: [{ node_id: 'a', attempt: 1, outcome: 'stopped', ms: 40, signalled_ms: 12 }],
    });
  });

  it('is not acknowledged while a node runs, nor when one was given up on', () => {
    expect(receipt('running', stopped, node('b', { status: 'running' }))).toMatchObject({ acknowledged: false, nodes: [{}, { node_id: 'b', outcome: 'unknown', ms: null }] });
    const lost = node('b', { status: 'stopped', stopped_at: 6000, stop: { outcome: 'unknown', acknowledged: false, signalled_at: null } });
    expect(receipt('cancelled', stopped, lost)).toMatchObject({ acknowledged: false, nodes: [{}, { outcome: 'unknown', ms: 5000 }] });
  });

  it('takes a report that was sent before the cancel, and came after it, as no time at all', () => {
    const finished = node('a', { status: 'stopped', stopped_at: 990, stop: { outcome: 'finished', acknowledged: true, signalled_at: null } });
    expect(receipt('cancelled', finished)?.nodes).toEqual([{ node_id: 'a', attempt: 1, outcome: 'finished', ms: 0 }]);
  });
});

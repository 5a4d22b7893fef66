import type { ExecutionView, GateView, WhyResource } from '@runlog/contract';
import { isTerminalStatus } from '@runlog/read-model';
import { utc } from './execution-times.js';

type Cause = WhyResource['causes'][number];

const UNSTARTED_MS = 2000;

/** What an execution waits for, as its own view tells it: gates, delays, nodes that no runner has started. */
export const whyOf = (view: ExecutionView, now: number): WhyResource => ({
  object: 'why',
  status: view.status,
  causes: isTerminalStatus(view.status) ? [] : [...view.gates.filter(({ decided }) => decided === null).map(gateCause), ...nodeCauses(view, now)],
});

const gateCause = (gate: GateView): Cause => ({
  kind: 'gate',
  since: utc(gate.requested_at),
  ...(gate.expires_at === null ? {} : { until: utc(gate.expires_at) }),
  node_id: gate.node_id,
  gate_id: gate.id,
  detail:
    gate.kind === 'approval'
      ? `Approval '${gate.id}' is open (${gate.approvals_given} of ${gate.approvals_needed}): ${gate.prompt}`
      : `Question '${gate.id}' is open: ${gate.prompt}`,
  unblock: [{ action: `POST /api/v1/executions/{execution_id}/respond with gate_id '${gate.id}'`, by: approversOf(gate) }],
});

const approversOf = ({ approvers }: GateView): string => {
  const named = approvers as { users?: string[]; roles?: string[] } | null;
  const all = [...(named?.users ?? []).map((user) => `user ${user}`), ...(named?.roles ?? []).map((role) => `role ${role}`)];
  return all.length > 0 ? all.join(', ') : 'editor and up';
};

const nodeCauses = (view: ExecutionView, now: number): Cause[] =>
  Object.values(view.nodes ?? {}).flatMap((node): Cause[] => {
    const gated = view.gates.some(({ node_id, decided }) => node_id === node.node_id && decided === null);
    if (node.status === 'waiting' && !gated) {
      const failed = node.attempts.at(-1)?.error;
      const since = utc(node.attempts.at(-1)?.ended_at ?? node.started_at ?? node.scheduled_at ?? view.status_since);
      if (failed)
        return [
          {
            kind: 'retry',
            since,
            node_id: node.node_id,
            detail: `Node '${node.node_id}' failed (${failed.code}) and is tried again later`,
            unblock: [{ action: 'wait', by: 'scheduler' }],
          },
        ];
      return [{ kind: 'delay', since, node_id: node.node_id, detail: `Node '${node.node_id}' is in its delay`, unblock: [{ action: 'wait', by: 'scheduler' }] }];
    }
    if (node.status === 'scheduled' && node.scheduled_at !== null && now - node.scheduled_at > UNSTARTED_MS)
      return [
        {
          kind: 'no_runner',
          since: utc(node.scheduled_at),
          node_id: node.node_id,
          detail: `No runner has started node '${node.node_id}' (${node.type})`,
          unblock: [{ action: 'start a runner, or wait for a free slot', by: 'operator' }],
        },
      ];
    return [];
  });

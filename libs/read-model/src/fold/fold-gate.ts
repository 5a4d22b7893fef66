import type { EventOf, ExecutionEvent } from '@runlog/execution';
import type { ExecutionDraft, GateDraft } from './draft.js';

const gateOf = (view: ExecutionDraft, id: string): GateDraft | undefined => view.gates.findLast((gate) => gate.id === id);

const open = (view: ExecutionDraft, kind: GateDraft['kind'], data: EventOf<'ApprovalRequested'>['data'], at: number): void => {
  view.gates.push({
    id: data.gate_id,
    node_id: data.node_id,
    kind,
    prompt: data.prompt,
    schema: data.schema,
    requested_at: at,
    expires_at: data.expires_at,
    approvers: data.approvers === null ? null : { ...data.approvers, users: [...data.approvers.users], roles: [...data.approvers.roles] },
    approvals_given: 0,
    approvals_needed: data.approvers?.needed ?? 1,
    decided: null,
  });
};

/** What an event says about a gate: an open question to people. */
export const foldGate = (view: ExecutionDraft, event: ExecutionEvent & { readonly at: number }): void => {
  switch (event.type) {
    case 'ApprovalRequested':
      return open(view, 'approval', event.data, event.at);
    case 'QuestionRequested':
      return open(view, 'question', event.data, event.at);
    case 'ResponseReceived': {
      const gate = gateOf(view, event.data.gate_id);
      if (!gate) return;
      const { decision, by, answer, comment, accepted } = event.data;
      if (decision === 'approve') gate.approvals_given++;
      if (accepted) gate.decided = { decision: decision ?? 'answer', by, at: event.at, answer, comment };
      return;
    }
    case 'GateExpired': {
      const gate = gateOf(view, event.data.gate_id);
      if (gate) gate.decided = { decision: event.data.outcome, by: 'system:gate_expired', at: event.at, answer: event.data.answer, comment: null };
      return;
    }
    default:
      return;
  }
};

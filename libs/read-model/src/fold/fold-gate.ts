import { type EventOf, type ExecutionEvent, type Json, nanoUsd } from '@runlog/execution';
import type { ExecutionDraft, GateDraft } from './draft.js';

const gateOf = (view: ExecutionDraft, id: string): GateDraft | undefined => view.gates.findLast((gate) => gate.id === id);

type Asked = Pick<EventOf<'ApprovalRequested'>['data'], 'gate_id' | 'node_id' | 'prompt' | 'schema' | 'expires_at' | 'approvers'>;

/** The rules of a gate that asks what became of an effect, or for a larger budget. */
const askedOfAnybody = { schema: null, expires_at: null, approvers: null } as const;

const open = (view: ExecutionDraft, kind: GateDraft['kind'], data: Asked & Pick<GateDraft, 'budget'>, at: number): void => {
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
    ...(data.budget ? { budget: data.budget } : {}),
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
    case 'EffectUnknown':
      return open(view, 'effect', { ...event.data, ...askedOfAnybody }, event.at);
    case 'BudgetExhausted': {
      const { scope, needed_nano_usd, left_nano_usd } = event.data;
      return open(view, 'budget', { ...event.data, ...askedOfAnybody, budget: { scope, needed_nano_usd, left_nano_usd } }, event.at);
    }
    case 'EffectRecorded': {
      const gate = gateOf(view, `${event.data.node_id}.${event.data.attempt}`);
      if (gate && !event.data.from && gate.decided === null) gate.decided = { decision: 'done', by: 'system:late_receipt', at: event.at, answer: null, comment: null };
      return;
    }
    case 'ResponseReceived': {
      const gate = gateOf(view, event.data.gate_id);
      if (!gate) return;
      const { decision, by, answer, answer_ref, comment, accepted } = event.data;
      if (decision === 'approve') gate.approvals_given++;
      if (decision === 'approve' && accepted && gate.budget?.scope === 'execution') view.raised_budget_nano_usd = raisedTo(answer);
      if (accepted) gate.decided = { decision: decision ?? 'answer', by, at: event.at, answer, ...(answer_ref ? { answer_ref } : {}), comment };
      return;
    }
    case 'GateExpired': {
      const gate = gateOf(view, event.data.gate_id);
      const { outcome, answer, answer_ref } = event.data;
      if (gate) gate.decided = { decision: outcome, by: 'system:gate_expired', at: event.at, answer, ...(answer_ref ? { answer_ref } : {}), comment: null };
      return;
    }
    default:
      return;
  }
};

/** The new total of a budget, as whoever raised it gave it. */
const raisedTo = (answer: Json): string | undefined => {
  const usd = typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? answer.budget_usd : undefined;
  return typeof usd === 'number' && usd >= 0 ? nanoUsd(usd) : undefined;
};

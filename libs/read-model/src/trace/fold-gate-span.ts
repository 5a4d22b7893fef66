import { attemptPath, attemptPlace, openAttempt } from './fold-attempt.js';
import type { TracedEvent, Tracing } from './fold-trace.js';
import { attributes } from './span.js';

const kinds = { ApprovalRequested: 'approval', QuestionRequested: 'question', EffectUnknown: 'effect', BudgetExhausted: 'budget' } as const;

/** What people were asked, from the question to the answer. */
export const foldGateSpan = (tracing: Tracing, event: TracedEvent): void => {
  const { book, show } = tracing;
  switch (event.type) {
    case 'ApprovalRequested':
    case 'QuestionRequested':
    case 'EffectUnknown':
    case 'BudgetExhausted': {
      const { node_id: node, attempt, gate_id: gate, prompt, key } = event.data;
      const kind = kinds[event.type];
      openAttempt(tracing, node, attempt);
      return book.open(`gate/${gate}`, {
        path: [...attemptPath(node, attempt), 'gate', gate, event.version],
        parent: attemptPlace(node),
        name: kind,
        attributes: attributes({ 'runlog.gate.id': gate, 'runlog.gate.kind': kind, 'runlog.call.key': key, 'runlog.gate.prompt': show(prompt) }),
      });
    }
    case 'ResponseReceived': {
      const { gate_id: gate, decision, by, accepted } = event.data;
      book.note(`gate/${gate}`, 'response', attributes({ 'runlog.gate.decision': decision, 'runlog.by': by }));
      if (!accepted) return;
      book.describe(`gate/${gate}`, attributes({ 'runlog.gate.decision': decision ?? 'answer', 'runlog.by': by }));
      return book.close(`gate/${gate}`);
    }
    case 'GateExpired':
      book.describe(`gate/${event.data.gate_id}`, { 'runlog.gate.decision': event.data.outcome, 'runlog.gate.expired': true });
      return book.close(`gate/${event.data.gate_id}`);
    default:
      return;
  }
};

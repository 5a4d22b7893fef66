import { attemptPath, attemptPlace } from './fold-attempt.js';
import type { TracedEvent, Tracing } from './fold-trace.js';
import { callSpan, finishAttributes, names, receiptAttributes, usageAttributes } from './gen-ai.js';

const place = (node: string, key: string): string => `call/${node}/${key}`;

/** The calls of agents, from intent to receipt. One that has no receipt when its attempt ends is closed with that, as an error: nobody knows what became of it. */
export const foldAgentCall = ({ book, names: { nodes }, show }: Tracing, event: TracedEvent): void => {
  switch (event.type) {
    case 'EffectIntended': {
      const { node_id: node, attempt, key, call } = event.data;
      if (!call) return;
      return book.open(place(node, key), { path: callPath(node, attempt, key), parent: attemptPlace(node), ...callSpan(key, call, nodes.get(node)?.agent ?? undefined) });
    }
    case 'EffectRecorded': {
      const { node_id: node, key, call, receipt } = event.data;
      if (!call) return;
      book.describe(place(node, key), finishAttributes(call.kind, receipt));
      book.describe(place(node, key), receiptAttributes(call.kind, show(receipt)));
      if (call.error) book.describe(place(node, key), { [names.errorType]: call.error.code });
      return book.close(place(node, key), call.error ? 'error' : 'ok', call.error?.message ?? null);
    }
    case 'TokensUsed':
      return book.describe(place(event.data.node_id, event.data.key), usageAttributes(event.data), callPath(event.data.node_id, event.data.attempt, event.data.key));
    default:
      return;
  }
};

const callPath = (node: string, attempt: number, key: string): readonly (string | number)[] => [...attemptPath(node, attempt), 'call', key];

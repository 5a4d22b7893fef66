import type { NodeView, OpenCallView, SpendingView, TokenUsageView } from '@runlog/contract';
import type { EventOf, ExecutionEvent } from '@runlog/execution';
import type { ExecutionDraft, NodeDraft, NodeNames } from './draft.js';
import { nodeOf } from './nodes.js';

const nothing: TokenUsageView = { input_uncached: 0, cache_read: 0, cache_write: 0, output_text: 0, reasoning: 0 };

const executionEnds: ReadonlySet<string> = new Set(['ExecutionCompleted', 'ExecutionFailed', 'ExecutionRejected', 'ExecutionCancelled']);
const attemptEnds: ReadonlySet<string> = new Set(['NodeCompleted', 'NodeFailed', 'NodeStopped', 'AttemptLost', 'NodeScheduled', 'BudgetExhausted']);
const gatesOfCalls: ReadonlySet<string> = new Set(['ApprovalRequested', 'QuestionRequested', 'EffectUnknown']);

type Nodes = { readonly [node: string]: Pick<NodeView, 'open_calls'> };

/** Most executions have no agents: this is asked of every event. */
const none: readonly never[] = [];

/** The nodes with open calls of which this event ends the attempt, or lets its runner go: of these calls nobody will hear. */
const nodesLeftBy = (event: ExecutionEvent, nodes: Nodes): readonly string[] => {
  if (executionEnds.has(event.type)) return Object.keys(nodes).filter((id) => nodes[id]?.open_calls);
  if (!('node_id' in event.data) || !nodes[event.data.node_id]?.open_calls) return none;
  const isLeft = attemptEnds.has(event.type) || (gatesOfCalls.has(event.type) && 'call' in event.data && event.data.call !== undefined);
  return isLeft ? [event.data.node_id] : none;
};

/** The model calls that were begun, and of which this event says that nobody will hear: by the view before it is folded. */
export const callsLostBy = (view: { readonly nodes?: Nodes } | undefined, event: ExecutionEvent): readonly OpenCallView[] => {
  const nodes = view?.nodes;
  const left = nodes ? nodesLeftBy(event, nodes) : none;
  return left.length === 0 ? none : left.flatMap((id) => Object.values(nodes?.[id]?.open_calls ?? {}));
};

/** What an event says about calls of agents: begun, settled, lost; what they used and cost. Each failed and repeated call counts. */
export const foldSpending = (view: ExecutionDraft, event: ExecutionEvent, workflow: NodeNames): void => {
  switch (event.type) {
    case 'BudgetReserved':
      return open(nodeOf(view, event.data.node_id, workflow), event.data.key, { reserved_nano_usd: event.data.nano_usd });
    case 'EffectIntended':
      if (event.data.call?.kind === 'model') open(nodeOf(view, event.data.node_id, workflow), event.data.key, { model: event.data.call.name });
      else settle(view.nodes[event.data.node_id], event.data.key);
      return;
    case 'EffectRecorded':
      settle(view.nodes[event.data.node_id], event.data.key);
      if (event.data.call?.kind === 'tool' && !event.data.from) view.n_agent_actions++;
      return;
    case 'TokensUsed':
      settle(view.nodes[event.data.node_id], event.data.key);
      return spend(view, nodeOf(view, event.data.node_id, workflow), event.data);
    default:
      for (const id of nodesLeftBy(event, view.nodes)) {
        const node = view.nodes[id];
        if (!node) continue;
        delete node.open_calls;
        node.spent = { ...spentOf(node), cost_complete: false };
        view.cost_complete = false;
      }
  }
};

const open = (node: NodeDraft, key: string, known: Partial<OpenCallView>): void => {
  node.open_calls = { ...node.open_calls, [key]: { model: '', reserved_nano_usd: null, ...node.open_calls?.[key], ...known } };
};

const settle = (node: NodeDraft | undefined, key: string): void => {
  if (node?.open_calls?.[key] === undefined) return;
  const { [key]: _settled, ...others } = node.open_calls;
  if (Object.keys(others).length > 0) node.open_calls = others;
  else delete node.open_calls;
};

const spentOf = (node: NodeDraft): SpendingView => node.spent ?? { cost_nano_usd: '0', cost_complete: true, token_usage: nothing };

const spend = (view: ExecutionDraft, node: NodeDraft, used: EventOf<'TokensUsed'>['data']): void => {
  node.spent = added(spentOf(node), used);
  const { cost_nano_usd, cost_complete, token_usage } = added(view, used);
  Object.assign(view, { cost_nano_usd, cost_complete, token_usage });
};

const added = ({ cost_nano_usd: sum, cost_complete, token_usage: usage }: SpendingView, { cost_nano_usd: cost, tokens }: EventOf<'TokensUsed'>['data']): SpendingView => ({
  cost_nano_usd: cost === null ? sum : (BigInt(sum) + BigInt(cost)).toString(),
  cost_complete: cost_complete && cost !== null,
  token_usage: {
    input_uncached: usage.input_uncached + (tokens?.input ?? 0),
    cache_read: usage.cache_read + (tokens?.cache_read ?? 0),
    cache_write: usage.cache_write + (tokens?.cache_write ?? 0),
    output_text: usage.output_text + (tokens?.output ?? 0),
    reasoning: usage.reasoning + (tokens?.reasoning ?? 0),
  },
});

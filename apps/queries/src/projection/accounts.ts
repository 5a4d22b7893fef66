import type { ExecutionView } from '@runlog/contract';
import type { RecordedEvent } from '@runlog/execution';
import { callsLostBy, isTerminalStatus } from '@runlog/read-model';

/** What one account spent on one UTC day. */
export interface SpendingRow {
  readonly account: string;
  readonly day: string;
  readonly partition: number;
  readonly workspaceId: string;
  spentNanoUsd: bigint;
}

/** Reservations that nothing is set aside for any more: of one call, of all calls of a node's attempts up to this one, or of the execution. */
export interface Settlement {
  readonly executionId: string;
  readonly node: string | null;
  readonly attempt: number | null;
  readonly key: string | null;
}

const AGENT = 'agent';

/** Ends of an attempt, and gates for which its runner lets go of it. */
const attemptEnds: ReadonlySet<string> = new Set([
  'NodeCompleted',
  'NodeFailed',
  'NodeStopped',
  'AttemptLost',
  'BudgetExhausted',
  'ApprovalRequested',
  'QuestionRequested',
  'EffectUnknown',
]);

/** Adds up what a batch took from the accounts of workspaces and trees, and what it settled there. */
export class Accounts {
  readonly #rows = new Map<string, SpendingRow>();
  readonly settled: Settlement[] = [];

  constructor(private readonly partition: number) {}

  get rows(): SpendingRow[] {
    return [...this.#rows.values()];
  }

  /** By the view before the event is folded: nano-USD that the event takes. A call of unknown cost takes what was reserved for it. */
  spentBy(view: ExecutionView | undefined, event: RecordedEvent): bigint {
    if (event.type === 'TokensUsed') {
      const { cost_nano_usd: cost, node_id, key } = event.data;
      return BigInt(cost ?? view?.nodes?.[node_id]?.open_calls?.[key]?.reserved_nano_usd ?? 0);
    }
    let sum = 0n;
    for (const { reserved_nano_usd } of callsLostBy(view, event)) sum += BigInt(reserved_nano_usd ?? 0);
    return sum;
  }

  after(spent: bigint, view: ExecutionView, event: RecordedEvent): void {
    if (spent > 0n) for (const account of accountsOf(view)) this.#row(account, view.workspace_id, event.at).spentNanoUsd += spent;
    const settlement = settledBy(view, event);
    if (settlement) this.settled.push(settlement);
  }

  #row(account: string, workspaceId: string, at: number): SpendingRow {
    const day = new Date(at).toISOString().slice(0, 10);
    const id = `${day}/${account}`;
    let row = this.#rows.get(id);
    if (!row) this.#rows.set(id, (row = { account, day, partition: this.partition, workspaceId, spentNanoUsd: 0n }));
    return row;
  }
}

const accountsOf = ({ id, workspace_id, root_execution_id, tree_budget_nano_usd: tree }: ExecutionView): string[] => [
  `workspace:${workspace_id}`,
  ...(tree == null ? [] : [`tree:${root_execution_id ?? id}`]),
];

const settledBy = (view: ExecutionView, event: RecordedEvent): Settlement | undefined => {
  const executionId = view.id;
  if (event.type === 'TokensUsed' || (event.type === 'EffectRecorded' && event.data.call?.kind === 'model'))
    return { executionId, node: event.data.node_id, attempt: event.data.attempt, key: event.data.key };
  if (isTerminalStatus(view.status) && event.type.startsWith('Execution'))
    return Object.values(view.nodes ?? {}).some(({ type }) => type === AGENT) ? { executionId, node: null, attempt: null, key: null } : undefined;
  if (!attemptEnds.has(event.type) || !('node_id' in event.data) || view.nodes?.[event.data.node_id]?.type !== AGENT) return undefined;
  return { executionId, node: event.data.node_id, attempt: 'attempt' in event.data ? event.data.attempt : null, key: null };
};

import type { ExecutionView } from '@runlog/contract';
import type { DecodedEvent } from '@runlog/event-log';
import { foldView, type NodeNames } from '@runlog/read-model';
import { Accounts } from './accounts.js';
import { Usage } from './usage.js';

/** An execution that a batch has changed. */
export interface Touched {
  readonly view: ExecutionView;
  readonly isNew: boolean;
  /** Nodes that changed; true: with a new output. */
  readonly nodes: Map<string, boolean>;
  readonly events: DecodedEvent[];
  outputChanged: boolean;
  /** Its open gates may be others than before. */
  gatesChanged: boolean;
}

/** This execution's events break the projection, whatever is done about it. */
export class Poison extends Error {
  constructor(
    readonly executionId: string,
    readonly offset: number,
    cause: unknown,
  ) {
    super(`Expected to fold execution '${executionId}', but ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const gateTypes: ReadonlySet<string> = new Set([
  'ApprovalRequested',
  'QuestionRequested',
  'EffectUnknown',
  'BudgetExhausted',
  'EffectRecorded',
  'ResponseReceived',
  'GateExpired',
  'CancelRequested',
]);
const endTypes: ReadonlySet<string> = new Set(['ExecutionCompleted', 'ExecutionFailed', 'ExecutionRejected', 'ExecutionCancelled', 'ExecutionSuperseded']);

const turnsGates = (type: string): boolean => gateTypes.has(type) || endTypes.has(type);

/** What one batch changes, collected event by event and written at once. */
export class Changes {
  readonly touched = new Map<string, Touched>();
  readonly usage: Usage;
  readonly accounts: Accounts;

  constructor(partition: number) {
    this.usage = new Usage(partition);
    this.accounts = new Accounts(partition);
  }

  /** Folds one event into its view; one that the view has seen changes nothing. */
  fold(view: ExecutionView | undefined, event: DecodedEvent, names: NodeNames): ExecutionView {
    if (view && event.version <= view.version) return view;
    const before = this.usage.before(view, event);
    const spent = this.accounts.spentBy(view, event);
    const folded = foldView(view, event, names);
    this.usage.after(before, folded, event, names);
    this.accounts.after(spent, folded, event);
    let touched = this.touched.get(event.executionId);
    if (!touched)
      this.touched.set(event.executionId, (touched = { view: folded, isNew: view === undefined, nodes: new Map(), events: [], outputChanged: false, gatesChanged: false }));
    if ('node_id' in event.data) touched.nodes.set(event.data.node_id, event.type === 'NodeCompleted' || touched.nodes.get(event.data.node_id) === true);
    if (event.type === 'ExecutionCompleted') touched.outputChanged = true;
    if (turnsGates(event.type)) touched.gatesChanged = true;
    touched.events.push(event);
    return folded;
  }
}

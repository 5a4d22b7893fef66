import type { CallKind, JournalEntry } from './agent-calls.js';
import type { BodyReference } from './body-reference.js';
import type { NodeError } from './commands.js';
import type { EventOf, ExecutionEvent } from './events.js';
import type { Execution } from './execution.js';
import type { CommandId, GateId, Json, NodeId } from './ids.js';
import { minus, type NanoUsd, plus } from './money.js';

/** What models have cost, and may cost yet. */
export interface Account {
  /** Null: there is none, or it is as it was created. */
  budget: NanoUsd | null;
  spent: NanoUsd;
  /** For calls that are under way. */
  reserved: NanoUsd;
}

/** One call of an agent: what its journal knows of it but the receipt. */
export interface CallState {
  readonly kind: CallKind;
  readonly name: string;
  readonly arguments_sha256?: string;
  standing: JournalEntry['standing'];
  /** In which it was begun last, by which command. */
  readonly attempt?: number;
  readonly begunBy?: CommandId;
  /** Its use is on the log. */
  isMetered?: true;
  receipt_ref?: BodyReference;
  error?: NodeError;
  /** The latest gate about it. */
  gate?: GateId;
}

/** The calls of an agent that has not ended, in the order in which each was first heard of. */
export interface Journal {
  readonly calls: Map<string, CallState>;
  /** Of its calls under way. */
  readonly reservations: Map<string, NanoUsd>;
  readonly account: Account;
}

export const emptyAccount = (): Account => ({ budget: null, spent: '0', reserved: '0' });

/** The name under which a receipt is kept beside the outputs; no node has such an id. */
const receiptName = (node: NodeId, key: string): string => `${node}/${key}`;

/** The name of the body that an event adds to what is kept beside the state: an output or a receipt. Undefined: none, or it is stored elsewhere. */
export const keptBy = (event: ExecutionEvent): string | undefined => {
  if (event.type === 'NodeCompleted') return event.data.output_ref ? undefined : event.data.node_id;
  return event.type === 'EffectRecorded' && event.data.call && !event.data.receipt_ref ? receiptName(event.data.node_id, event.data.key) : undefined;
};

/** The body of that name; undefined: it is needed no more. */
export const keptBody = (execution: Execution, name: string): Json | undefined => (name.includes('/') ? execution.receipts : execution.outputs).get(name);

/** What the next attempt of an agent goes on from; undefined where nothing has been called. */
export const journalOf = (execution: Execution, id: NodeId): JournalEntry[] | undefined => {
  const journal = execution.journals.get(id);
  if (!journal || journal.calls.size === 0) return undefined;
  return [...journal.calls].map(([key, { begunBy: _by, isMetered: _metered, gate, ...call }]) => {
    const decided = gate === undefined ? undefined : execution.gates.get(gate)?.decided;
    const receipt = call.standing === 'recorded' && !call.receipt_ref ? { receipt: execution.receipts.get(receiptName(id, key)) ?? null } : {};
    if (!decided) return { key, ...call, ...receipt };
    const { decision, answer, answerRef, by, at, comment } = decided;
    return { key, ...call, ...receipt, gate: { decision, answer, ...(answerRef ? { answer_ref: answerRef } : {}), by, at, comment } };
  });
};

/** Made when something is first heard of the node's calls. */
export const journalFor = (execution: Execution, id: NodeId): Journal => {
  const known = execution.journals.get(id);
  if (known) return known;
  const journal: Journal = { calls: new Map(), reservations: new Map(), account: emptyAccount() };
  execution.journals.set(id, journal);
  return journal;
};

type Booked = EventOf<'EffectIntended'> | EventOf<'EffectRecorded'> | EventOf<'BudgetReserved'> | EventOf<'TokensUsed'>;

/** What an event about a call of an agent changes. */
export const bookCall = (execution: Execution, event: Booked & { readonly commandId: CommandId }): void => {
  const { node_id, attempt, key } = event.data;
  const journal = journalFor(execution, node_id);
  const known = journal.calls.get(key);
  switch (event.type) {
    case 'BudgetReserved':
      reserve(execution, journal, key, event.data.nano_usd);
      return;
    case 'EffectIntended':
      if (!event.data.call) return;
      journal.calls.set(key, { ...event.data.call, standing: 'begun', attempt, begunBy: event.commandId, ...(known?.gate === undefined ? {} : { gate: known.gate }) });
      return;
    case 'TokensUsed':
      spend(execution, journal, key, event.data.cost_nano_usd ?? journal.reservations.get(key) ?? '0');
      if (known) known.isMetered = true;
      return;
    case 'EffectRecorded': {
      const { call, receipt, receipt_ref } = event.data;
      if (!call) return;
      spend(execution, journal, key, '0');
      journal.calls.set(key, { ...known, ...call, standing: 'recorded', ...(receipt_ref ? { receipt_ref } : {}) });
      if (!receipt_ref) execution.receipts.set(receiptName(node_id, key), receipt ?? null);
    }
  }
};

/** People were asked about a call. */
export const askAbout = (execution: Execution, id: NodeId, key: string, gate: GateId, call: Pick<CallState, 'kind' | 'name' | 'arguments_sha256'>): void => {
  const { calls } = journalFor(execution, id);
  const known = calls.get(key);
  if (known) known.gate = gate;
  else calls.set(key, { ...call, standing: 'asked', gate });
};

/** Nobody will tell any more what the calls under way have cost: all that was reserved for them counts as spent. */
export const forfeit = (execution: Execution, id: NodeId): void => {
  const journal = execution.journals.get(id);
  if (journal) for (const [key, amount] of [...journal.reservations]) spend(execution, journal, key, amount);
};

/** Its agent has ended: nothing goes on from it. */
export const closeJournal = (execution: Execution, id: NodeId): void => {
  const journal = execution.journals.get(id);
  if (!journal) return;
  forfeit(execution, id);
  for (const key of journal.calls.keys()) execution.receipts.delete(receiptName(id, key));
  execution.journals.delete(id);
};

const reserve = ({ account }: Execution, journal: Journal, key: string, amount: NanoUsd): void => {
  journal.reservations.set(key, amount);
  for (const one of [account, journal.account]) one.reserved = plus(one.reserved, amount);
};

/** In the place of what was reserved for the call, if anything. */
const spend = ({ account }: Execution, journal: Journal, key: string, amount: NanoUsd): void => {
  const held = journal.reservations.get(key) ?? '0';
  journal.reservations.delete(key);
  for (const one of [account, journal.account]) {
    one.reserved = minus(one.reserved, held);
    one.spent = plus(one.spent, amount);
  }
};

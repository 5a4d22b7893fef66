import type { BudgetScope } from './agent-calls.js';
import type { BodyReference } from './body-reference.js';
import type { CreatedData, EffectSource, NodeError, Receipt } from './commands.js';
import type { GateRules } from './events.js';
import type { Actor, CommandId, ExecutionId, GateId, Instant, Json, NodeId, RunnerId, WorkspaceId } from './ids.js';
import type { Account, Journal } from './journal.js';

export type Status = 'pending' | 'queued' | 'running' | 'suspended' | 'awaiting_approval' | 'completed' | 'failed' | 'cancelled' | 'rejected';

/** Where one node stands; nodes that nothing has happened to have no entry. */
export interface NodeState {
  status: 'idle' | 'scheduled' | 'running' | 'waiting' | 'completed' | 'failed' | 'stopped' | 'skipped';
  /** The latest attempt, 1, 2, 3 ...; 0 before the first. */
  attempt: number;
  /** Incoming edges still undecided, and those decided open. */
  due: number;
  open: number;
  /** Tries that ran and failed: what `max_attempts` limits. Lost attempts are counted apart. */
  failures: number;
  losses: number;
  runner: RunnerId | null;
  /** While it runs: the command that started it. */
  startedBy?: CommandId | undefined;
  /** What a waiting node waits for: its due time (delay, retry), its gate, or the gates of its calls that are open. */
  waitsFor:
    | { readonly kind: 'delay' | 'retry'; readonly at: Instant }
    | { readonly kind: 'gate'; readonly gate: GateId }
    | { readonly kind: 'calls'; readonly gates: readonly GateId[] }
    | null;
  /** The latest attempt whose effect is unknown: until another one starts, its runner may still say that it was had. */
  unanswered?: { readonly attempt: number; readonly runner: RunnerId } | undefined;
}

/** What is known of a node's effect from before this execution. */
export interface EarlierEffect {
  readonly key: string;
  readonly from: EffectSource;
  /** Until the node is reached, which then returns it. */
  readonly receipt?: Receipt;
}

/** An open or decided question to people. */
export interface Gate {
  readonly id: GateId;
  readonly node: NodeId;
  readonly attempt: number;
  readonly kind: 'approval' | 'question' | 'effect' | 'budget';
  readonly rules: GateRules;
  /** The call of an agent that it is about. */
  readonly key?: string;
  /** Of kind `budget`: what did not suffice, and what the calls of the step may cost, nano-USD. */
  readonly budget?: { readonly scope: BudgetScope; readonly needed: string };
  /** Who has approved so far. */
  approvals: Actor[];
  /** The commands whose responses were taken: each of them again is answered, not refused. */
  responses: CommandId[];
  reminded: number;
  decided: {
    readonly decision: string;
    readonly by: Actor;
    readonly at: Instant;
    readonly answer: Json;
    readonly answerRef?: BodyReference;
    readonly comment: string | null;
  } | null;
}

/**
 * One execution as its owner holds it. Only `evolve` changes it, in place; `decide` and `next` read it and touch only the nodes that
 * they are about, so that an event costs the same in a large execution as in a small one.
 */
export interface Execution {
  readonly id: ExecutionId;
  readonly workspaceId: WorkspaceId;
  readonly created: CreatedData;
  readonly createdAt: Instant;
  /** The command that created it: the same command again is answered, not refused. */
  readonly createCommandId: CommandId;
  /** W3C, of the command that created it: what it causes belongs to that trace, whoever's command set it off. */
  readonly traceparent?: string;
  version: number;
  status: Status;
  startedAt: Instant | null;
  /** Milliseconds not suspended, up to `statusSince`. */
  activeMs: number;
  suspendedMs: number;
  statusSince: Instant;
  readonly nodes: Map<NodeId, NodeState>;
  /** Of nodes that completed; in `bodies` those that are stored elsewhere. */
  readonly outputs: Map<NodeId, Json>;
  readonly bodies: Map<NodeId, BodyReference>;
  /** Nodes that may run now and are neither scheduled nor settled, in the order they became ready. */
  readonly ready: Set<NodeId>;
  /** Nodes none of whose edges opened. */
  readonly unreached: Set<NodeId>;
  /** Scheduled, running or waiting. */
  readonly active: Set<NodeId>;
  /** Nodes in `active` that wait at an open gate. */
  gatesOpen: number;
  /** Completed, failed, stopped or skipped. */
  settled: number;
  readonly gates: Map<GateId, Gate>;
  cancel: { readonly by: Actor; readonly reason: string | null; readonly at: Instant; readonly graceMs: number; readonly unacknowledged: NodeId[] } | null;
  /** A node has failed for good: the execution is about to fail. */
  failure: { readonly node: NodeId; readonly error: NodeError } | null;
  /** An approver said no: the execution is about to be rejected. */
  rejection: { readonly gate: GateId; readonly node: NodeId; readonly by: Actor; readonly comment: string | null } | null;
  /** The latest retry of it. */
  superseded: { readonly by: ExecutionId; readonly number: number; readonly commandId: CommandId } | null;
  /** Not admitted before what it supersedes has ended. */
  held: boolean;
  /** Of an execution in a queue: the slot that it holds or waits for, by the version of the event that asked; null: it has not asked, or gave it back. */
  slot: { readonly ticket: number; readonly held: boolean } | null;
  /** Taken over from what it retries or replays, by node. */
  readonly effects: Map<NodeId, EarlierEffect>;
  /** Of agents that have not ended. */
  readonly journals: Map<NodeId, Journal>;
  /** What their calls came to, by `<node>/<key>`; those stored elsewhere are not in it. */
  readonly receipts: Map<string, Json>;
  /** Of all models of the execution. */
  readonly account: Account;
  /** NodeReused events so far. */
  reuses: number;
  /** The last event says that more is due for the same command. */
  continuing: boolean;
}

const terminal = new Set<Status>(['completed', 'failed', 'cancelled', 'rejected']);

/** Completed, failed, cancelled or rejected: nothing changes it any more. */
export const isTerminal = (status: Status): boolean => terminal.has(status);

/** Suspended or awaiting approval: nothing can progress until somebody answers. */
export const isSuspended = (status: Status): boolean => status === 'suspended' || status === 'awaiting_approval';

/** It is in a queue: it runs only while it holds a slot. */
export const isLimited = ({ created }: Execution): boolean => created.queue_name !== null;

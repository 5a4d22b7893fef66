import type { BudgetScope, Call, TokensUse } from './agent-calls.js';
import type { BodyReference } from './body-reference.js';
import type { CreatedData, EffectSource, GateDecision, Naming, NodeError, Reuse } from './commands.js';
import type { Actor, CommandId, ExecutionId, GateId, Instant, Json, NodeId, RunnerId, WorkspaceId } from './ids.js';

interface Attempt {
  readonly node_id: NodeId;
  readonly attempt: number;
}

export interface GateRules {
  readonly prompt: string;
  /** JSON Schema of the answer, or null when any answer (or none) will do. */
  readonly schema: Json;
  readonly approvers: { readonly users: readonly string[]; readonly roles: readonly string[]; readonly needed: number; readonly exclude_starter: boolean } | null;
  readonly expires_at: Instant | null;
  readonly on_expiry: 'approve' | 'reject' | 'fail' | { readonly answer: Json };
  readonly on_reject: 'reject' | 'fail' | 'branch';
  readonly reminders_at: readonly Instant[];
}

/**
 * What has happened to one execution: type and data. Data are public (snake case): they are the value bytes of the record on
 * `execution-events` and the `data` of the API. A published shape never changes: a new meaning is a new type.
 */
export interface EventData {
  ExecutionCreated: CreatedData;
  /** `queue_name` null: it has no limits and begins at once. The other members are there where it is not null. */
  ExecutionQueued: { readonly queue_name: string | null; readonly concurrency_key?: string | null; readonly priority?: number; readonly ttl_seconds?: number | null };
  ExecutionStarted: Record<string, never>;
  /** `approval`, `question`: people must answer; status is awaiting_approval while any approval is open. `slot`: it could go on and waits for a slot of its queue. */
  ExecutionSuspended: { readonly status: 'suspended' | 'awaiting_approval'; readonly reason: string };
  ExecutionResumed: Record<string, never>;
  /** `output_ref`, here and below: where the body is stored; the member is null then. */
  ExecutionCompleted: { readonly output: Json; readonly output_ref?: BodyReference };
  ExecutionFailed: { readonly error: string; readonly error_code: string; readonly error_node_id: NodeId | null };
  ExecutionRejected: { readonly error: string; readonly gate_id: GateId; readonly error_node_id: NodeId; readonly by: Actor };
  ExecutionCancelled: { readonly by: Actor; readonly reason: string | null; readonly unacknowledged: readonly NodeId[] };
  /**
   * Somebody asked for a retry: `by` is the next execution, the `number`th of this one. The only event that may follow the end; where the
   * execution was alive it is cancelled now, and the next one begins after it. `ended`: it was not alive.
   */
  ExecutionSuperseded: { readonly by: ExecutionId; readonly number: number; readonly ended: boolean; readonly asked_by: Actor; readonly reason: string | null } & Naming;
  ExecutionFaulted: { readonly command_type: string; readonly error: string };
  CancelRequested: { readonly by: Actor; readonly reason: string | null; readonly grace_ms: number; readonly running: readonly NodeId[] };
  NodeScheduled: Attempt & { readonly kind: string };
  NodeStarted: Attempt & { readonly runner: RunnerId };
  /** A delay, until `until`. */
  NodeWaiting: Attempt & { readonly until: Instant };
  /**
   * `inline`: decided in the same step; it was scheduled, started and completed at this instant. `returned_from`: it did not run here (attempt 0);
   * this is the receipt of its effect, which was had there.
   */
  NodeCompleted: Attempt & { readonly output: Json; readonly output_ref?: BodyReference; readonly branch?: string; readonly inline?: true; readonly returned_from?: EffectSource };
  /** `final`: no further attempt follows. */
  NodeFailed: Attempt & { readonly error: NodeError; readonly final: boolean; readonly inline?: true };
  NodeRetryScheduled: Attempt & { readonly retry_at: Instant };
  /** `finished`: the runner's result came after the fence and was dropped. `acknowledged`: the runner said so itself. `signalled_at`: when it received the stop signal. */
  NodeStopped: Attempt & { readonly acknowledged: boolean; readonly outcome: 'stopped' | 'finished' | 'unknown'; readonly signalled_at?: Instant };
  NodeSkipped: { readonly node_id: NodeId };
  /** They completed in another execution; their outputs stay there. */
  NodeReused: Reuse;
  AttemptLost: Attempt & { readonly runner: RunnerId; readonly because: string };
  /**
   * On the log before the node may begin. `from` (attempt 0): it was begun there, and nobody knows whether it was had. `call`, here and
   * below: it is about a call of an agent, `key` is that call's, and without it about the node itself.
   */
  EffectIntended: Attempt & { readonly key: string; readonly from?: EffectSource; readonly call?: Call };
  /**
   * The node has had its effect. `receipt` is what it gave, where no NodeCompleted follows that says so. `from` (attempt 0): it was had there.
   * Of a call: what it came to; nothing is reserved for it any more.
   */
  EffectRecorded: Attempt & {
    readonly key: string;
    readonly receipt?: Json;
    readonly receipt_ref?: BodyReference;
    readonly branch?: string;
    readonly from?: EffectSource;
    readonly call?: Call & { readonly error?: NodeError };
  };
  /** Begun, and no receipt: people must say what became of it. Opens a gate of kind `effect`. */
  EffectUnknown: Attempt & { readonly gate_id: GateId; readonly key: string; readonly prompt: string; readonly call?: Call };
  /** `key`, `call`: an agent asks it about this call. */
  ApprovalRequested: Attempt & { readonly gate_id: GateId; readonly key?: string; readonly call?: Call } & GateRules;
  QuestionRequested: Attempt & { readonly gate_id: GateId; readonly key?: string; readonly call?: Call } & GateRules;
  /** The most that a call of an agent may cost is set aside until its TokensUsed or EffectRecorded. Only where a budget applies. */
  BudgetReserved: Attempt & { readonly key: string; readonly nano_usd: string };
  /** What a model call used. Its cost takes the place of what was reserved for it; where it is null, what was reserved counts as spent. */
  TokensUsed: Attempt & { readonly key: string } & TokensUse;
  /** Less is left than the calls of a step may cost. Opens a gate of kind `budget`; its agent waits there. `key`: of the first of these calls. */
  BudgetExhausted: Attempt & {
    readonly key: string;
    readonly gate_id: GateId;
    readonly needed_nano_usd: string;
    readonly left_nano_usd: string;
    readonly scope: BudgetScope;
    readonly prompt: string;
  };
  GateReminded: { readonly node_id: NodeId; readonly gate_id: GateId; readonly nth: number };
  /** `accepted`: the gate is settled by this response; false while more approvals are needed. */
  ResponseReceived: {
    readonly node_id: NodeId;
    readonly gate_id: GateId;
    /** A budget that is raised says `approve`, its answer to what: released readers know no other word. */
    readonly decision: Exclude<GateDecision, 'raise'> | null;
    readonly answer: Json;
    readonly answer_ref?: BodyReference;
    readonly comment: string | null;
    readonly by: Actor;
    readonly accepted: boolean;
  };
  GateExpired: {
    readonly node_id: NodeId;
    readonly gate_id: GateId;
    readonly outcome: 'approve' | 'reject' | 'fail' | 'answer';
    readonly answer: Json;
    readonly answer_ref?: BodyReference;
  };
}

export type EventType = keyof EventData;

/** An event as `decide` and `next` emit it: not yet numbered, hashed or written. */
export type ExecutionEvent = { [Type in EventType]: { readonly type: Type; readonly data: EventData[Type] } }[EventType];
export type EventOf<Type extends EventType> = Extract<ExecutionEvent, { type: Type }>;

/** An event as recorded on the log. */
export type RecordedEvent = ExecutionEvent & {
  /** Chain hash, hex (see event-log/chain.ts). */
  readonly id: string;
  /** Id of the event before it, '' for version 1. */
  readonly previous: string;
  readonly executionId: ExecutionId;
  readonly workspaceId: WorkspaceId;
  /** 1, 2, 3 ... per execution. */
  readonly version: number;
  readonly schemaVersion: number;
  /** The command's time. */
  readonly at: Instant;
  readonly commandId: CommandId;
  readonly commandOffset: number;
  /** More events are due for the same command: its owner goes on at that command, also after a restart. */
  readonly more: boolean;
  /** W3C Trace Context of the command, where it had one. */
  readonly traceparent?: string;
};

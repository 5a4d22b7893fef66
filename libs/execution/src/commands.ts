import type { AccountStanding, CallGate, CallIntent, CallRecord } from './agent-calls.js';
import type { BodyReference } from './body-reference.js';
import type { Actor, CommandId, ExecutionId, GateId, Instant, Json, NodeId, RunnerId, WorkflowVersionId, WorkspaceId } from './ids.js';

/** What every command carries. Time and ids arrive in it: nothing behind it reads a clock. */
interface Asked<Type extends string> {
  readonly type: Type;
  readonly id: CommandId;
  readonly executionId: ExecutionId;
  readonly workspaceId: WorkspaceId;
  readonly at: Instant;
  /** The instance that awaits a reply (its inbox on `command-replies`); absent: nobody does. */
  readonly replyTo?: string;
  readonly traceparent?: string;
}

/** What a create settles for ever. Snake case: these members are the data of `ExecutionCreated`, a public shape. */
export interface CreatedData {
  readonly workflow_id: string;
  readonly workflow_version_id: WorkflowVersionId;
  readonly agent_id: string | null;
  readonly agent_version_id: string | null;
  readonly deployment_id: string | null;
  readonly step_key: string | null;
  readonly output_schema_name: string | null;
  readonly pod_id: string;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly created_by: Actor;
  readonly trigger: { readonly kind: string; readonly id: string | null };
  readonly hashid: string;
  readonly key: string;
  readonly name: string;
  readonly run_number: number;
  readonly input: Json;
  /** Where the input is stored; `input` is null then. */
  readonly input_ref?: BodyReference;
  readonly metadata: { readonly [key: string]: Json };
  readonly tags: readonly string[];
  readonly queue_name: string | null;
  readonly concurrency_key: string | null;
  /** Seconds of head start in its queue. */
  readonly priority: number;
  /** How long it may wait for its first admission; null or absent: as its queue says. */
  readonly queue_ttl_seconds?: number | null;
  /** Why it can't be admitted, where that is known already: it fails with `admission_failed`. */
  readonly admission_error?: string | null;
  readonly run_timeout_seconds: number | null;
  readonly timeout_includes_suspended: boolean;
  readonly cancel_grace_seconds: number;
  readonly budget_nano_usd: string | null;
  /** What the root and everything below it may spend together; absent: no such budget. The same in every execution of the tree. */
  readonly tree_budget_nano_usd?: string | null;
  readonly parent_execution_id: ExecutionId | null;
  readonly root_execution_id: ExecutionId | null;
  readonly batch_id: string | null;
  readonly retry_of: ExecutionId | null;
  readonly replay_of: ExecutionId | null;
  readonly retry_count: number;
  /** Nodes of the pinned template but `start_of_workflow`. */
  readonly actions_count: number;
}

/** An error of a node as a person reads it. `code` is stable, e.g. `http_status`, `code_timeout`, `expression_failed`. */
export interface NodeError {
  readonly code: string;
  readonly message: string;
  /** False: trying again cannot help. */
  readonly retryable: boolean;
  /** From `Retry-After`, milliseconds. */
  readonly retry_after_ms?: number;
  /** Of a node that declares an effect: `none`, it had not begun; `unknown`, nobody can tell whether it had it. Absent: it failed, for all that is known. */
  readonly effect?: 'none' | 'unknown';
}

/** Of an approval the first two, of an effect the next three, of a budget `raise` and `fail`; a question has none. */
export type GateDecision = 'approve' | 'reject' | 'done' | 'repeat' | 'fail' | 'raise';

export type Timer =
  | { readonly kind: 'delay'; readonly node: NodeId; readonly attempt: number }
  | { readonly kind: 'retry'; readonly node: NodeId; readonly attempt: number }
  | { readonly kind: 'node_timeout'; readonly node: NodeId; readonly attempt: number }
  | { readonly kind: 'gate_expiry'; readonly gate: GateId }
  | { readonly kind: 'gate_reminder'; readonly gate: GateId; readonly nth: number }
  | { readonly kind: 'run_timeout' }
  | { readonly kind: 'cancel_grace' };

/** Completed nodes of an ended execution that a replay takes over by reference. `source_execution_id` is where they ran, never where they were reused. */
export interface Reuse {
  readonly source_execution_id: ExecutionId;
  readonly source_version: number;
  readonly nodes: readonly NodeId[];
  /** The branch of each of them that chose one. */
  readonly branches: { readonly [node: string]: string };
}

/** Where an effect was had, or begun. */
export interface EffectSource {
  readonly execution_id: ExecutionId;
  readonly version: number;
}

/** What a node gave. `output` is null where `outputRef` says that it is stored elsewhere. */
export interface Receipt {
  readonly output: Json;
  readonly outputRef?: BodyReference;
  readonly branch?: string;
}

/** What is known of a node's effect from the execution that this one retries or replays. Without a receipt: it began there, and that is all. */
export interface InheritedEffect {
  readonly node: NodeId;
  /** The idempotency key under which it was begun. */
  readonly key: string;
  readonly from: EffectSource;
  readonly receipt?: Receipt;
}

/** What the next execution of a retry is called: drawn before anybody knows whether it comes to be. */
export interface Naming {
  readonly hashid: string;
  readonly key: string;
  readonly name: string;
  readonly run_number: number;
}

/** What every report of a runner may say. */
interface Reported {
  /** When the runner received the signal to stop. */
  readonly signalledAt?: Instant;
  /** Of an attempt begun ahead (see Leg): the command whose intent began it. Absent: its own StartNode did. */
  readonly begunBy?: CommandId;
  /** The attempt ended before its StartNode was sent, for which this stands too (see `startOf`): when it began. */
  readonly startedAt?: Instant;
}

/** What an attempt of an agent ends with besides: the calls that it has not told of yet. */
interface Settled {
  readonly records?: readonly CallRecord[];
}

/** In a leg: the same runner begins the next node as soon as this report is on the log. `id`: what a refusal of that names. */
export interface Intent {
  readonly id: CommandId;
  readonly node: NodeId;
  readonly attempt: number;
}

export type ExecutionCommand =
  | (Asked<'CreateExecution'> & {
      readonly created: CreatedData;
      /** It stays pending until ReleaseExecution: what it supersedes has not ended yet. */
      readonly held?: true;
      readonly reuse?: readonly Reuse[];
      /** Of a replay: nodes whose effects it takes over, and from which execution. A retry takes over all. */
      readonly effects?: { readonly of: ExecutionId; readonly nodes: readonly NodeId[] };
      readonly inherited?: readonly InheritedEffect[];
    })
  /** From the scheduler: what this execution supersedes has ended. `inherited`, here and above, is filled in by the owner of the partition. */
  | (Asked<'ReleaseExecution'> & { readonly inherited?: readonly InheritedEffect[] })
  /** From the scheduler: the slot is its own that the event of version `ticket` asked for. */
  | (Asked<'AdmitExecution'> & { readonly ticket: number })
  /** From the scheduler: it has waited for its first slot for as long as it may. */
  | (Asked<'ExpireInQueue'> & { readonly ticket: number; readonly ttlSeconds: number })
  /** From the scheduler: it can't be admitted. */
  | (Asked<'FailAdmission'> & { readonly ticket: number; readonly because: string })
  /** Decided in the stream of the execution that is retried. `ended`: its latest successor, where that is known to have ended. */
  | (Asked<'RetryExecution'> & { readonly by: Actor; readonly reason?: string; readonly ended: ExecutionId | null; readonly naming: Naming })
  /** From the runner, as it begins to run the node, unless a report that follows soon says it. The attempt belongs to the runner whose StartNode was accepted. */
  | (Asked<'StartNode'> & { readonly node: NodeId; readonly attempt: number; readonly runner: RunnerId })
  | (Asked<'CompleteNode'> & {
      readonly node: NodeId;
      readonly attempt: number;
      readonly runner: RunnerId;
      readonly output: Json;
      /** Where the output is stored; `output` is null then. */
      readonly outputRef?: BodyReference;
      readonly branch?: string;
      readonly begins?: Intent;
    } & Reported &
      Settled)
  | (Asked<'FailNode'> & { readonly node: NodeId; readonly attempt: number; readonly runner: RunnerId; readonly error: NodeError } & Reported & Settled)
  /** The runner's answer to a stop signal: the node no longer runs. */
  | (Asked<'StopNode'> & { readonly node: NodeId; readonly attempt: number; readonly runner: RunnerId } & Reported & Settled)
  /**
   * From the runner of an agent: what its last calls came to, and the calls that it makes once the engine says so. The `nth` step of the
   * attempt; the same step again is answered the same.
   */
  | (Asked<'TakeStep'> & {
      readonly node: NodeId;
      readonly attempt: number;
      readonly runner: RunnerId;
      readonly nth: number;
      readonly records: readonly CallRecord[];
      readonly begins: readonly CallIntent[];
      /** Filled in by the owner of the partition, where budgets apply that are not the execution's own. */
      readonly account?: AccountStanding;
    } & Reported)
  /** From the runner of an agent, which lets go of it: people are asked, and the node waits for them without a runner. */
  | (Asked<'ParkNode'> & {
      readonly node: NodeId;
      readonly attempt: number;
      readonly runner: RunnerId;
      readonly nth: number;
      readonly records: readonly CallRecord[];
      readonly asks: readonly CallGate[];
    } & Reported)
  /** From the scheduler: the runner of this attempt is silent. `runner` null: the attempt was never started and its task is sent again. */
  | (Asked<'LoseAttempt'> & { readonly node: NodeId; readonly attempt: number; readonly runner: RunnerId; readonly because: string })
  /** From the scheduler: this attempt is scheduled and nobody started it; the owner sends its task again. No event. */
  | (Asked<'RemindNode'> & { readonly node: NodeId; readonly attempt: number })
  | (Asked<'FireTimer'> & { readonly timer: Timer })
  | (Asked<'Respond'> & {
      readonly gate?: GateId;
      readonly node?: NodeId;
      readonly decision?: GateDecision;
      readonly answer?: Json;
      /** Where the answer is stored; the owner reads it before it decides. */
      readonly answerRef?: BodyReference;
      readonly comment?: string;
      readonly by: Actor;
      readonly roles: readonly string[];
    })
  | (Asked<'CancelExecution'> & { readonly by: Actor; readonly reason?: string });

export type CommandType = ExecutionCommand['type'];
export type CommandOf<Type extends CommandType> = Extract<ExecutionCommand, { type: Type }>;

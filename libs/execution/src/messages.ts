import type { EffectRule } from '@runlog/workflow';
import type { JournalEntry } from './agent-calls.js';
import type { BodyReference, ScopeBodies } from './body-reference.js';
import type { CommandId, ExecutionId, Instant, Json, NodeId, RunnerId, WorkspaceId } from './ids.js';
import type { Rejection } from './rejection.js';

/** One attempt of one node, on `node-tasks`. A hint: losing or doubling it is harmless (see StartNode). */
export interface NodeTask {
  readonly executionId: ExecutionId;
  readonly workspaceId: WorkspaceId;
  readonly workflowVersionId: string;
  readonly node: NodeId;
  readonly attempt: number;
  readonly kind: string;
  /** The node's config with its templates unresolved; the runner resolves them against `scope`. */
  readonly config: Json;
  readonly timeoutMs: number | null;
  /** Stable over attempts of the node: `<execution>:<node>`, of an effect that goes on from an earlier execution that one's. */
  readonly idempotencyKey: string;
  /** Of a node that declares one: it begins once the engine has answered its StartNode. */
  readonly effect: EffectRule['class'] | null;
  /** What expressions and code see; only the outputs that the node's config refers to. */
  readonly scope: { readonly input: Json; readonly nodes: { readonly [node: string]: Json }; readonly execution: Json };
  /** Members of the scope that the runner fetches before it begins. */
  readonly bodies?: ScopeBodies;
  readonly traceparent?: string;
  /** Whoever runs it reports this failure and does nothing else: what the node reads does not fit a task. */
  readonly failure?: { readonly code: string; readonly message: string };
  readonly leg?: Leg;
  /** Its report may say its start as well, where that follows soon. Absent: its engine needs or knows only a StartNode. */
  readonly startWithReport?: true;
  /** Of an agent that goes on: its calls so far, over all attempts. Absent: there are none, or they are stored. */
  readonly journal?: readonly JournalEntry[];
  /** Where the journal is stored when it is large. */
  readonly journal_ref?: BodyReference;
  readonly at: Instant;
}

/**
 * What follows a task by the graph alone: its runner goes on with it. Each result is on the log before the next node begins, and carries
 * that start as its intent; the engine decides the two one after the other.
 */
export interface Leg {
  /** In the order in which they run. */
  readonly nodes: readonly LegNode[];
  /** Outputs that these read and that were known when the task was made. */
  readonly outputs: { readonly [node: string]: Json };
  /** Of a node begun ahead, in its runner only: the attempt that the leg began with, and the command that carried the intent. */
  readonly begun?: { readonly head: string; readonly by: CommandId };
}

export interface LegNode extends Pick<NodeTask, 'node' | 'kind' | 'config' | 'timeoutMs' | 'effect'> {
  /** Nodes whose outputs it sees, in this order. */
  readonly reads: readonly NodeId[];
}

/** On `command-replies`, keyed by the instance it is for. */
export type Reply =
  | {
      readonly type: 'refused';
      readonly commandId: CommandId;
      readonly executionId: ExecutionId;
      /** Absent: a command of an earlier version. */
      readonly workspaceId?: WorkspaceId;
      readonly rejection: Rejection;
    }
  /** The command changed nothing because it had been carried out before; `version` is the execution's. */
  | { readonly type: 'unchanged'; readonly commandId: CommandId; readonly executionId: ExecutionId; readonly version: number }
  /**
   * Of StartNode, for nodes that declare an effect only: its intent is recorded, the effect may begin. Of TakeStep: what it begins may begin.
   * A step's refusal says why in its `reason`: `budget_busy` (ask again in 200 ms, with the same `nth`), `parked` (people are asked, let go of
   * it), `budget_exhausted` and `price_unknown` (report that failure), any other: the attempt is over.
   */
  | { readonly type: 'accepted'; readonly commandId: CommandId; readonly executionId: ExecutionId; readonly version: number }
  /** To a runner: abort this attempt and answer with StopNode. */
  | {
      readonly type: 'stop';
      readonly executionId: ExecutionId;
      readonly workspaceId: WorkspaceId;
      readonly node: NodeId;
      readonly attempt: number;
      readonly reason: 'cancelled' | 'timed_out' | 'ended';
    };

/** On `runner-heartbeats`, every second. `stopping`: it takes no more tasks. */
export interface Heartbeat {
  readonly runner: RunnerId;
  readonly at: Instant;
  readonly kinds: readonly string[];
  readonly slots: number;
  readonly free: number;
  /** Tasks waiting in the runner for a slot. */
  readonly backlog: number;
  /** Partitions of node-tasks that this runner reads. */
  readonly partitions: readonly number[];
  readonly stopping: boolean;
}

/** A piece of what an agent does, as it happens. */
export type AgentFrame =
  /** `from`: UTF-16 units of the node's text of that kind before it. */
  | { readonly kind: 'thinking' | 'content'; readonly text: string; readonly from: number }
  | { readonly kind: 'tool_start'; readonly id: string; readonly name: string }
  | { readonly kind: 'tool_end'; readonly id: string; readonly name: string; readonly summary?: string }
  /** A new attempt goes on: nothing of an older one counts after it. */
  | { readonly kind: 'fence' };

/** A log line of one attempt. */
export interface LoggedLine {
  readonly node: NodeId | null;
  readonly attempt: number | null;
  readonly at: Instant;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  /** Absent: it has none. */
  readonly fields?: Json;
}

/** On `execution-frames`, keyed by execution. */
export type Frame =
  | {
      readonly type: 'lines';
      readonly executionId: ExecutionId;
      readonly workspaceId: WorkspaceId;
      /** In the order in which they were written, of any of its nodes; 1 to 1,024: each gets a number of its own when it is stored. */
      readonly lines: readonly LoggedLine[];
      /** `<runner>:<n>`: doubles are told apart by it. */
      readonly dedupe: string;
    }
  /** One line, as runners sent it before lines travelled together. */
  | ({
      readonly type: 'log';
      readonly executionId: ExecutionId;
      readonly workspaceId: WorkspaceId;
      readonly dedupe: string;
    } & LoggedLine)
  /** A report that came too late (its attempt was lost, stopped or fenced) and was refused. Shown in `/nodes`. */
  | {
      readonly type: 'late_report';
      readonly executionId: ExecutionId;
      readonly workspaceId: WorkspaceId;
      readonly node: NodeId;
      readonly attempt: number;
      readonly at: Instant;
      readonly runner: RunnerId;
      readonly report: 'completed' | 'failed' | 'stopped';
      readonly because: string;
    }
  | {
      readonly type: 'agent';
      readonly executionId: ExecutionId;
      readonly workspaceId: WorkspaceId;
      readonly node: NodeId;
      readonly attempt: number;
      readonly at: Instant;
      /** The execution's, as its runner knew it at the step. */
      readonly version: number;
      /** The attempt: readers ignore frames of an older one than the newest that they have seen. */
      readonly generation: number;
      readonly frame: AgentFrame;
    };

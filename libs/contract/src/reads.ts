import type { AgentFrame, BodyReference } from '@runlog/execution';
import type { Json } from '@runlog/workflow';
import type { EffectView, ExecutionStatus, ExecutionView, GateView, NodeStatus, NodeView, SpendingView } from './views.js';

/** An event as the history holds it: value bytes verbatim. Times in milliseconds UTC. */
export interface EventView {
  readonly id: string;
  readonly execution_id: string;
  readonly version: number;
  readonly type: string;
  readonly schema_version: number;
  readonly at: number;
  readonly previous: string;
  readonly command_id: string;
  readonly command_offset: number;
  readonly workspace_id: string;
  /** The stored JSON text of the event's data. */
  readonly value: string;
}

export interface LogLine {
  readonly seq: number;
  readonly at: number;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly node_id: string | null;
  readonly attempt: number | null;
  readonly fields: Json;
}

/** Waits, bounded by `timeoutMs`, until the read models hold at least this much. */
export interface Freshness {
  readonly minVersion?: number;
  readonly partition?: number;
  /** The read models must have folded every event below this offset of the partition. */
  readonly offset?: number;
  readonly timeoutMs: number;
}

export interface ExecutionFilter {
  readonly workspaceId: string;
  readonly podId?: string;
  readonly statuses?: readonly ExecutionStatus[];
  readonly workflowId?: string;
  readonly agentId?: string;
  readonly sessionId?: string;
  readonly userId?: string;
  readonly queueName?: string;
  readonly batchId?: string;
  readonly parentExecutionId?: string;
  readonly retryOf?: string;
  readonly replayOf?: string;
  readonly tag?: string;
  readonly metadata?: { readonly [key: string]: string };
  readonly createdAfter?: number;
  readonly createdBefore?: number;
  /** Substring of name or key, or the beginning of an id (8 characters at least). */
  readonly q?: string;
  readonly sort: 'created_at' | 'started_at' | 'completed_at' | 'duration_ms' | 'cost';
  readonly descending: boolean;
  readonly limit: number;
  /** Keyset: the sort value and id of the row before (after) the page; opaque to clients. Rows without a sort value sort as -1. */
  readonly after?: { readonly value: number | string | null; readonly id: string };
  readonly before?: { readonly value: number | string | null; readonly id: string };
  /** Page numbers instead of keyset: rows to skip. */
  readonly offset?: number;
  readonly withTotal?: boolean;
}

export interface ExecutionPage {
  readonly rows: readonly ExecutionView[];
  /** More rows in the direction of travel: after the page, or before it when `before` was asked. */
  readonly hasMore: boolean;
  /** Exact up to 10,000. */
  readonly total?: number;
  readonly totalCapped?: boolean;
  /** How far behind the log the read models are, milliseconds (0 when level). */
  readonly lagMs: number;
}

/** A row's place in the inbox. */
export interface GatePlace {
  readonly requestedAt: number;
  readonly executionId: string;
  readonly gateId: string;
}

export interface GateFilter {
  readonly workspaceId: string;
  readonly podId?: string;
  readonly kind?: string;
  readonly executionId?: string;
  readonly workflowId?: string;
  readonly nodeId?: string;
  readonly limit: number;
  /** Newest first: what follows this place, or what precedes it. */
  readonly after?: GatePlace;
  readonly before?: GatePlace;
}

/** A gate that somebody can answer now, and where it is. */
export interface OpenGate {
  readonly execution_id: string;
  readonly execution_key: string;
  readonly workflow_id: string;
  readonly gate: GateView;
}

export interface GatePage {
  readonly rows: readonly OpenGate[];
  /** More rows in the direction of travel. */
  readonly hasMore: boolean;
  readonly lagMs: number;
}

/** What an execution and all below it used and cost. */
export interface TreeView extends SpendingView {
  readonly executions: number;
}

export type UsageGroup = 'day' | 'workflow' | 'agent' | 'model';

/** What was used, added up. Days are UTC, `YYYY-MM-DD`, both ends included. */
export interface UsageFilter {
  readonly workspaceId: string;
  readonly from: string;
  readonly to: string;
  readonly workflowId?: string;
  readonly agentId?: string;
  readonly model?: string;
  /** A row for each of these; none: one row over all. */
  readonly by: { readonly [Group in UsageGroup]: boolean };
  readonly limit: number;
  /** The last row of the page before; what rows are not told apart by does not count. */
  readonly after?: { readonly day: string; readonly workflowId: string; readonly agentId: string; readonly model: string };
}

/**
 * Counts by the day of the event that is counted. `day`, `workflow_id`, `agent_id`, `model`: null where rows are not told apart by it; the
 * last two are empty where the row is about no agent or no model. Tokens are in buckets that share none.
 */
export interface UsageView {
  readonly day: string | null;
  readonly workflow_id: string | null;
  readonly agent_id: string | null;
  readonly model: string | null;
  readonly created: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly rejected: number;
  readonly steps: number;
  readonly active_ms: number;
  readonly agent_actions: number;
  readonly model_calls: number;
  /** Whose cost nobody knows: `cost_nano_usd` is the sum of the others. */
  readonly unpriced_calls: number;
  readonly input_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly cost_nano_usd: string;
}

export interface UsagePage {
  readonly rows: readonly UsageView[];
  readonly hasMore: boolean;
  readonly lagMs: number;
}

/** An execution's place in the order of sessions: when it was created, and its id. */
export interface SessionPlace {
  readonly at: number;
  readonly id: string;
}

export interface SessionFilter {
  readonly workspaceId: string;
  readonly podId?: string;
  readonly agentId?: string;
  readonly limit: number;
  /** What follows the session whose newest execution is here, or what precedes it. */
  readonly after?: SessionPlace;
  readonly before?: SessionPlace;
}

/** A conversation: the executions of agents that name it, without replays. */
export interface SessionView {
  readonly session_id: string;
  /** Of the newest execution. */
  readonly agent_id: string;
  readonly last_execution_id: string;
  readonly last_at: number;
  readonly first_at: number;
  /** Counted up to 10,000. */
  readonly executions: number;
}

export interface SessionPage {
  readonly rows: readonly SessionView[];
  /** More rows in the direction of travel. */
  readonly hasMore: boolean;
  readonly lagMs: number;
}

export interface TurnFilter {
  readonly workspaceId: string;
  readonly sessionId: string;
  readonly podId?: string;
  readonly status?: ExecutionStatus;
  /** From here on, oldest first; or those before, newest first. */
  readonly after?: SessionPlace;
  readonly before?: SessionPlace;
  readonly limit: number;
}

/** An execution as a turn of a conversation. */
export interface TurnView {
  readonly execution_id: string;
  readonly agent_id: string;
  readonly status: ExecutionStatus;
  readonly created_at: number;
  readonly completed_at: number | null;
  readonly input: Json;
  readonly input_ref: BodyReference | null;
  readonly output: Json;
  readonly output_ref: BodyReference | null;
}

export interface LogQuery {
  readonly workspaceId: string;
  readonly executionId: string;
  readonly after: number;
  readonly limit: number;
  readonly node?: string;
  readonly attempt?: number;
  readonly level?: string;
  readonly q?: string;
  /** The last `limit` lines instead of the first; oldest first all the same. */
  readonly last?: true;
}

/** What an agent did or said, as it did. */
export interface FrameView {
  /** Offset in `execution-frames`: the order of an execution's frames. */
  readonly n: number;
  /** The execution's, as its runner knew it. */
  readonly version: number;
  readonly node_id: string;
  readonly attempt: number;
  readonly frame: AgentFrame;
}

/** How much a reader has of what one agent has said, in UTF-16 units, and by which of its attempts last. */
export interface HeardView {
  readonly node_id: string;
  readonly attempt: number;
  readonly thinking: number;
  readonly content: number;
  /** What followed is left out, because something before it is missing. */
  readonly is_torn: boolean;
}

export interface FramePage {
  readonly frames: readonly FrameView[];
  /** Every frame below this offset was stored when they were read. */
  readonly storedTo: number;
}

/** Where one node stands, without its output. */
export interface ReplayNode {
  readonly node_id: string;
  readonly status: NodeStatus;
  /** null also where it was not asked for. */
  readonly branch: string | null;
  /** A try of it had begun. */
  readonly tried: boolean;
  /** What its model calls cost where it ran, as far as known; 0 also where it was not asked for. */
  readonly cost_nano_usd: string;
  readonly reused_from: { readonly execution_id: string; readonly version: number } | null;
}

/** A node's effect, which it declared and began: as its execution ended. */
export interface KnownEffect {
  readonly node_id: string;
  readonly standing: EffectView['standing'];
  /** What it gave is kept. */
  readonly hasReceipt: boolean;
}

/** Everything the gateway asks of `queries`: in process in standalone, over Nest TCP in a cluster (one message pattern per method). */
export interface Reads {
  /**
   * `ref`: id (UUID), hashid or key. null: unknown here or another tenant's. `stale`: the bound passed before the read models were there.
   * `atVersion` beyond the last event gives the execution as it stands: its `version` tells.
   */
  execution(ask: {
    workspaceId: string;
    ref: string;
    fresh?: Freshness;
    nodes: boolean;
    atVersion?: number;
  }): Promise<{ view: ExecutionView; stale: boolean; lagMs: number } | null>;
  executions(filter: ExecutionFilter): Promise<ExecutionPage>;
  /** History after `after` (version), oldest first. */
  events(ask: { workspaceId: string; executionId: string; after: number; limit: number; fresh?: Freshness }): Promise<readonly EventView[]>;
  logs(ask: LogQuery): Promise<readonly LogLine[]>;
  /** What agents said and did, of executions that have not ended long ago, after the offset `after`. `fresh`: waits, bounded, until every frame below the offset is stored. */
  frames(ask: { workspaceId: string; executionId: string; after: number; limit: number; fresh?: Pick<Freshness, 'offset' | 'timeoutMs'> }): Promise<FramePage>;
  /** What a reader who has every frame up to the offset `n` has heard, per agent. */
  heard(ask: { workspaceId: string; executionId: string; n: number }): Promise<readonly HeardView[]>;
  nodes(ask: { workspaceId: string; executionId: string; fresh?: Freshness }): Promise<readonly NodeView[] | null>;
  /** Open gates of live executions, newest first. */
  gates(filter: GateFilter): Promise<GatePage>;
  /** null: unknown here. */
  tree(ask: { workspaceId: string; executionId: string }): Promise<TreeView | null>;
  /** Newest day first, then by workflow, agent and model. */
  usage(filter: UsageFilter): Promise<UsagePage>;
  /** Newest first. */
  sessions(filter: SessionFilter): Promise<SessionPage>;
  /** The executions of one session. */
  turns(filter: TurnFilter): Promise<readonly TurnView[]>;
  /**
   * The nodes of an execution as a replay needs them: as they stood after event `atVersion`, or as they stand; `branching` are
   * those whose branch matters, `costing` those whose cost does. null: unknown here.
   */
  replayNodes(ask: {
    workspaceId: string;
    executionId: string;
    atVersion?: number;
    branching: readonly string[];
    costing?: readonly string[];
  }): Promise<readonly ReplayNode[] | null>;
  /** Which of these nodes began their effects in an ended execution, or where it reused them from. */
  effects(ask: { workspaceId: string; executionId: string; nodes: readonly string[] }): Promise<readonly KnownEffect[]>;
  /** Where the execution projection stands per partition of execution-events: next offset, claim in force, id of the record before. */
  positions(): Promise<readonly { topicId: string; partition: number; offset: number; claim: number; previous: string }[]>;
}

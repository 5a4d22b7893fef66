import type { AgentFrame } from '@runlog/execution';
import type { Json } from '@runlog/workflow';
import type { EffectView, ExecutionStatus, ExecutionView, GateView, NodeStatus, NodeView } from './views.js';

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

/** What was used, added up. Days are UTC, `YYYY-MM-DD`, both ends included. */
export interface UsageFilter {
  readonly workspaceId: string;
  readonly from: string;
  readonly to: string;
  readonly workflowId?: string;
  readonly agentId?: string;
  /** A row for each of these; none: one row over all. */
  readonly by: { readonly day: boolean; readonly workflow: boolean };
  readonly limit: number;
  /** The last row of the page before. */
  readonly after?: { readonly day: string; readonly workflowId: string };
}

/** Counts of executions by the day of the event that is counted. `day`, `workflow_id`: null where rows are not told apart by it. */
export interface UsageView {
  readonly day: string | null;
  readonly workflow_id: string | null;
  readonly created: number;
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly rejected: number;
  readonly steps: number;
  readonly active_ms: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cost_nano_usd: string;
}

export interface UsagePage {
  readonly rows: readonly UsageView[];
  readonly hasMore: boolean;
  readonly lagMs: number;
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
  /** Newest day first, then by workflow. */
  usage(filter: UsageFilter): Promise<UsagePage>;
  /**
   * The nodes of an execution as a replay needs them: as they stood after event `atVersion`, or as they stand; `branching` are
   * those whose branch matters. null: unknown here.
   */
  replayNodes(ask: { workspaceId: string; executionId: string; atVersion?: number; branching: readonly string[] }): Promise<readonly ReplayNode[] | null>;
  /** Which of these nodes began their effects in an ended execution, or where it reused them from. */
  effects(ask: { workspaceId: string; executionId: string; nodes: readonly string[] }): Promise<readonly KnownEffect[]>;
  /** Where the execution projection stands per partition of execution-events: next offset, claim in force, id of the record before. */
  positions(): Promise<readonly { topicId: string; partition: number; offset: number; claim: number; previous: string }[]>;
}

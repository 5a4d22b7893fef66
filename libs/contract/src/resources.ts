import type { Json } from '@runlog/workflow';
import type { ExecutionStatus, NodeStatus } from './views.js';

/** RFC 3339. */
export type Timestamp = string;

/** A list of anything. Cursors are opaque. */
export interface ListResource<Item> {
  readonly object: 'list';
  readonly data: readonly Item[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
  readonly prev_cursor: string | null;
  /** Only when pages were asked for by number. */
  readonly meta?: { readonly total: number; readonly page: number; readonly limit: number; readonly total_pages: number; readonly total_capped?: true };
}

export interface TemplateResource {
  readonly nodes: readonly { readonly id: string; readonly type: string; readonly name: string }[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly branch?: string }[];
  readonly width: number;
  readonly height: number;
  readonly positions: { readonly [node: string]: { readonly x: number; readonly y: number } };
  readonly action_types: readonly Json[];
}

/** A question to a human that is open. */
export interface GateResource {
  readonly id: string;
  readonly node_id: string;
  readonly kind: 'approval' | 'question' | 'effect' | 'budget';
  readonly prompt: string;
  readonly schema: Json;
  readonly requested_at: Timestamp;
  readonly expires_at: Timestamp | null;
  readonly approvals_given: number;
  readonly approvals_needed: number;
}

/** An open gate in the inbox, with where it is. */
export interface ApprovalResource extends GateResource {
  readonly execution_id: string;
  readonly execution_key: string;
  readonly workflow_id: string;
}

export interface TokenUsageResource {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly input_uncached: number;
  readonly cache_read: number;
  readonly cache_write: number;
  readonly output_text: number;
  readonly reasoning: number;
}

export interface NodeStats {
  readonly status: NodeStatus;
  readonly scheduled_at: Timestamp | null;
  readonly started_at: Timestamp | null;
  readonly completed_at: Timestamp | null;
  readonly stopped_at: Timestamp | null;
  readonly failed_at: Timestamp | null;
  readonly attempts: number;
  readonly duration_ms: number | null;
  readonly cost: number;
  readonly token_usage: TokenUsageResource;
}

export interface EdgeStats {
  readonly status: 'open' | 'closed';
}

/** A body that is not part of the answer. `name`: as in `/executions/{id}/artifacts/{name}`. */
export interface ReferenceResource {
  readonly name: string;
  /** `sha256:<hex>` of its bytes. */
  readonly digest: string;
  readonly bytes: number;
  readonly media_type: string;
  /** Its first characters. */
  readonly preview?: string;
}

/** A body that is stored outside of the history. */
export interface ArtifactResource extends Omit<ReferenceResource, 'preview'> {
  readonly object: 'artifact';
  readonly node_id: string | null;
  readonly gate_id: string | null;
  readonly url: string;
}

/** One run of a workflow as the API shows it (section 1 of the API's design). */
export interface ExecutionResource {
  readonly object: 'execution';
  readonly id: string;
  readonly hashid: string;
  readonly key: string;
  readonly name: string;
  readonly version: number;
  readonly workflow_id: string;
  readonly workflow_version_id: string;
  readonly agent_id: string | null;
  readonly agent_version_id: string | null;
  readonly deployment_id: string | null;
  readonly step_key: string | null;
  readonly output_schema_name: string | null;
  readonly template?: TemplateResource;
  readonly workspace_id: string;
  readonly pod_id: string;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly trigger: { readonly kind: string; readonly id: string | null };
  readonly parent_execution_id: string | null;
  readonly root_execution_id: string | null;
  readonly batch_id: string | null;
  readonly retry_of: string | null;
  readonly replay_of: string | null;
  readonly retry_count: number;
  readonly status: ExecutionStatus;
  readonly is_terminal: boolean;
  readonly status_reason: string | null;
  readonly gates: readonly GateResource[];
  readonly error: string | null;
  readonly error_code: string | null;
  readonly error_node_id: string | null;
  readonly input: Json;
  readonly payload: Json;
  readonly output: Json;
  readonly result: Json;
  readonly execution_data?: { readonly [node: string]: Json };
  /** Set where the body is too large for this answer: its member above is null, and the whole is an artifact. */
  readonly input_ref: ReferenceResource | null;
  readonly output_ref: ReferenceResource | null;
  readonly execution_data_refs?: { readonly [node: string]: ReferenceResource };
  readonly metadata: { readonly [key: string]: Json };
  readonly tags: readonly string[];
  readonly queue_name: string | null;
  readonly concurrency_key: string | null;
  readonly priority: number;
  readonly run_timeout_seconds: number | null;
  readonly assigned_to_worker: string | null;
  readonly actions_count: number;
  readonly completed_actions_count: number;
  readonly failed_actions_count: number;
  readonly idle_actions_count: number;
  readonly running_actions_count: number;
  readonly stopped_actions_count: number;
  readonly n_steps: number;
  readonly n_agent_actions: number;
  readonly n_screenshots: number;
  /** By node id, and by `<from>-<to>` for edges. */
  readonly stats?: { readonly [nodeOrEdge: string]: NodeStats | EdgeStats };
  readonly token_usage: TokenUsageResource;
  /** USD. */
  readonly cost: number;
  readonly cost_nano_usd: string;
  readonly cost_complete: boolean;
  readonly budget_usd: number | null;
  /** In the time zone that was asked for. */
  readonly created_at: Timestamp;
  readonly created_at_utc: Timestamp;
  readonly created_at_string: string;
  readonly started_at: Timestamp | null;
  readonly completed_at: Timestamp | null;
  readonly cancel_requested_at: Timestamp | null;
  readonly cancelled_at: Timestamp | null;
  readonly cancelled_by: string | null;
  /** Grows while it runs; null if it never started. */
  readonly duration_ms: number | null;
  readonly queued_ms: number;
  readonly active_ms: number;
  readonly suspended_ms: number;
  readonly logs_url: string;
  readonly output_url: string | null;
  readonly video_url: string | null;
  readonly trace_id: string | null;
  readonly log: { readonly count: number; readonly last_line: string | null; readonly url: string };
}

/** An event as its history and its stream show it. */
export interface EventResource {
  readonly object: 'event';
  readonly id: string;
  readonly execution_id: string;
  readonly version: number;
  readonly type: string;
  readonly schema_version: number;
  readonly at: Timestamp;
  readonly previous: string;
  readonly command_id: string;
  /** With the workspace, what the id is computed from besides the members above and `data`. */
  readonly command_offset: number;
  readonly workspace_id: string;
  readonly node_id?: string;
  readonly attempt?: number;
  readonly data: { readonly [key: string]: Json };
}

export interface LogLineResource {
  readonly seq: number;
  readonly at: Timestamp;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly node_id: string | null;
  readonly attempt: number | null;
  readonly message: string;
  readonly fields: Json;
}

export interface AttemptResource {
  readonly attempt: number;
  readonly status: NodeStatus | 'lost';
  readonly runner: string | null;
  readonly scheduled_at: Timestamp | null;
  readonly started_at: Timestamp | null;
  readonly ended_at: Timestamp | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly late_report: { readonly at: Timestamp; readonly report: string; readonly because: string } | null;
}

/** What is known of the effect on the world that a node declared. */
export interface EffectResource {
  /** What its target may tell a repeat by. */
  readonly idempotency_key: string;
  /** `intended`: begun, and no receipt. `failed`: it failed, or had not begun. */
  readonly standing: 'intended' | 'recorded' | 'failed';
  /** The execution in which it was had or begun, where that is another one. */
  readonly from_execution_id: string | null;
}

/** One node of one execution, with every attempt. */
export interface NodeResource {
  readonly object: 'node';
  readonly node_id: string;
  readonly execution_id: string;
  readonly type: string;
  readonly name: string;
  readonly status: NodeStatus;
  readonly branch: string | null;
  readonly output: Json;
  /** Set where the output is too large for this answer. */
  readonly output_ref: ReferenceResource | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly scheduled_at: Timestamp | null;
  readonly started_at: Timestamp | null;
  readonly completed_at: Timestamp | null;
  readonly stopped_at: Timestamp | null;
  readonly failed_at: Timestamp | null;
  readonly duration_ms: number | null;
  /** Id of the execution in which it ran, where this one only took its result over; its logs are there. */
  readonly reused_from: string | null;
  readonly attempts: readonly AttemptResource[];
  readonly effect: EffectResource | null;
}

/** What became of a cancel: per node that it stopped, how it ended and after how many milliseconds. */
export interface CancellationResource {
  readonly requested_at: Timestamp;
  readonly by: string;
  readonly reason: string | null;
  /** It is cancelled, and nobody had to be given up on. */
  readonly acknowledged: boolean;
  readonly nodes: readonly {
    readonly node_id: string;
    readonly attempt: number;
    /** `unknown` also while the node has not answered yet. */
    readonly outcome: 'stopped' | 'finished' | 'unknown';
    /** From the request to the end of the node; null while it still runs. */
    readonly ms: number | null;
    /** From the request to its runner receiving the stop signal, if it did. */
    readonly signalled_ms?: number;
  }[];
}

/** What an execution waits for, since when, and who or what can unblock it. */
export interface WhyResource {
  readonly object: 'why';
  readonly status: ExecutionStatus;
  readonly causes: readonly {
    readonly kind: 'gate' | 'slot' | 'delay' | 'retry' | 'no_runner' | 'queue_paused' | 'budget' | 'child' | 'fault';
    readonly since: Timestamp;
    readonly until?: Timestamp;
    readonly node_id?: string;
    readonly gate_id?: string;
    readonly queue_name?: string;
    readonly held_by?: readonly string[];
    readonly detail: string;
    readonly unblock: readonly { readonly action: string; readonly by: string }[];
  }[];
}

export type SpanAttributes = { readonly [name: string]: string | number | boolean | readonly string[] };

/** One span of a trace, with those that it caused. Ids in hex, as OpenTelemetry has them. */
export interface SpanResource {
  readonly span_id: string;
  /** Of the execution's own span: the request's that created it, which is not in the tree. */
  readonly parent_span_id: string | null;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly status: 'unset' | 'ok' | 'error';
  readonly status_message: string | null;
  readonly start_at: Timestamp;
  /** null: it goes on. */
  readonly end_at: Timestamp | null;
  /** Milliseconds since the execution's own span began. */
  readonly offset_ms: number;
  readonly duration_ms: number;
  readonly attributes: SpanAttributes;
  readonly events: readonly { readonly name: string; readonly at: Timestamp; readonly attributes: SpanAttributes }[];
  readonly links: readonly { readonly trace_id: string; readonly span_id: string; readonly attributes: SpanAttributes }[];
  readonly children: readonly SpanResource[];
}

/** Where the time of an execution went: attempts, waits, gates, model and tool calls. */
export interface TraceResource {
  readonly object: 'trace';
  readonly execution_id: string;
  readonly trace_id: string;
  readonly status: ExecutionStatus;
  readonly version: number;
  readonly span_count: number;
  /** There are more spans than are shown. */
  readonly truncated: boolean;
  readonly root: SpanResource;
}

/** That the history of an execution is the one that was recorded: each id is the hash of its event and of the id before. */
export interface ProofResource {
  readonly execution_id: string;
  readonly valid: boolean;
  readonly length: number;
  /** Id of the last event. */
  readonly tip: string;
  readonly events: readonly { readonly version: number; readonly id: string; readonly previous: string; readonly type: string }[];
}

/** Where two executions part, and how their nodes compare. */
export interface DiffResource {
  readonly a: string;
  readonly b: string;
  /** null: they never do. `start_of_workflow` with field `input`: they began with different inputs. */
  readonly first_divergence: { readonly node_id: string; readonly field: 'input' | 'status' | 'branch' | 'output' | 'error'; readonly a: Json; readonly b: Json } | null;
  readonly nodes: readonly {
    readonly node_id: string;
    /** null: its workflow has no such node. */
    readonly status: { readonly a: NodeStatus | null; readonly b: NodeStatus | null };
    readonly output_equal: boolean;
    readonly duration_ms: { readonly a: number | null; readonly b: number | null };
    /** USD. */
    readonly cost: { readonly a: number; readonly b: number };
  }[];
}

/** A tenant. */
export interface WorkspaceResource {
  readonly object: 'workspace';
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  /** IANA name. */
  readonly timezone: string;
  readonly created_at: Timestamp;
}

/** A part of a workspace that executions are created in. */
export interface PodResource {
  readonly object: 'pod';
  readonly id: string;
  readonly workspace_id: string;
  readonly slug: string;
  readonly name: string;
  readonly created_at: Timestamp;
}

/**
 * What executions used, by the UTC day of each event. `day`, `workflow_id`, `agent_id`, `model`: null where rows are not told apart by it,
 * the last two also in the row of what is about no agent, or no model.
 */
export interface UsageResource {
  readonly object: 'usage';
  readonly workspace_id: string;
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
  /** What agents did with tools. */
  readonly agent_actions: number;
  readonly model_calls: number;
  readonly token_usage: TokenUsageResource;
  /** USD. */
  readonly cost: number;
  readonly cost_nano_usd: string;
  /** False: the price or the usage of some calls is not known, `cost` is the sum of the others. */
  readonly cost_complete: boolean;
}

/** What an execution and all that it has started used and cost, at any depth. */
export interface TreeResource {
  readonly object: 'tree';
  readonly execution_id: string;
  /** How many, itself included. */
  readonly executions: number;
  readonly token_usage: TokenUsageResource;
  /** USD. */
  readonly cost: number;
  readonly cost_nano_usd: string;
  readonly cost_complete: boolean;
}

/** What the models of a workspace may cost in a period, and how it stands. USD. */
export interface BudgetResource {
  readonly object: 'budget';
  readonly workspace_id: string;
  readonly budget_usd: number;
  readonly period: 'total' | 'month' | 'day';
  /** In the present period; calls whose cost nobody knows with the most that they can have cost. */
  readonly spent_usd: number;
  /** The most that calls under way can cost. */
  readonly reserved_usd: number;
  readonly left_usd: number;
  readonly updated_at: Timestamp;
  readonly updated_by: string;
}

/** What became of a batch of creates: `problem` where there is no execution. */
export interface BatchResource {
  readonly batch_id: string;
  readonly data: readonly { readonly index: number; readonly status: number; readonly id?: string; readonly problem?: ProblemResource }[];
}

/** A workflow with its latest version. */
export interface WorkflowResource {
  readonly object: 'workflow';
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly description: string | null;
  readonly workspace_id: string;
  /** Number of the latest version. */
  readonly version: number;
  readonly workflow_version_id: string;
  readonly definition: { readonly [key: string]: Json };
  readonly created_at: Timestamp;
  readonly updated_at: Timestamp;
}

/** A published definition; it never changes. */
export interface WorkflowVersionResource {
  readonly object: 'workflow_version';
  readonly id: string;
  readonly workflow_id: string;
  readonly version: number;
  readonly definition: { readonly [key: string]: Json };
  /** Ids of the agents' versions that it pins, by node. */
  readonly agents: { readonly [node: string]: string };
  readonly created_at: Timestamp;
  readonly created_by: string | null;
}

/** An agent with its latest version. */
export interface AgentResource {
  readonly object: 'agent';
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly description: string | null;
  readonly workspace_id: string;
  /** Its workflow of one node, which its executions are of. */
  readonly workflow_id: string;
  /** Number of the latest version. */
  readonly version: number;
  readonly agent_version_id: string;
  readonly definition: { readonly [key: string]: Json };
  readonly created_at: Timestamp;
  readonly updated_at: Timestamp;
}

/** A published definition of an agent; it never changes. */
export interface AgentVersionResource {
  readonly object: 'agent_version';
  readonly id: string;
  readonly agent_id: string;
  readonly workflow_version_id: string;
  readonly version: number;
  readonly definition: { readonly [key: string]: Json };
  readonly created_at: Timestamp;
  readonly created_by: string | null;
}

/** A conversation: the executions of agents that name it, without replays. */
export interface SessionResource {
  readonly object: 'session';
  readonly id: string;
  /** Of the newest execution. */
  readonly agent_id: string;
  readonly last_execution_id: string;
  /** Counted up to 10,000. */
  readonly executions: number;
  readonly created_at: Timestamp;
  /** When the newest execution was created. */
  readonly updated_at: Timestamp;
}

/** What a user or an agent said in a session. */
export interface MessageResource {
  readonly object: 'message';
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  /** The content is longer than what is shown: the execution has all of it. */
  readonly is_cut: boolean;
  readonly agent_id: string;
  readonly execution_id: string;
  readonly execution_status: ExecutionStatus;
  readonly execution_created_at: Timestamp;
  readonly created_at: Timestamp;
}

/** What people set of a queue. */
export interface QueueSettingsResource {
  readonly limit: number | null;
  readonly key_limit: number;
  readonly strategy: 'queue' | 'cancel_running' | 'cancel_newest' | 'round_robin';
  readonly ttl_seconds: number | null;
  readonly paused: boolean;
}

/** Times and `updated_by` are null while nobody has set it. */
export interface QueueResource extends QueueSettingsResource {
  readonly object: 'queue';
  readonly name: string;
  readonly counts: { readonly held: number; readonly waiting: number };
  readonly created_at: Timestamp | null;
  readonly updated_at: Timestamp | null;
  readonly updated_by: string | null;
}

export interface QueueDetailResource extends QueueResource {
  readonly holders: readonly { readonly execution_id: string; readonly concurrency_key: string | null; readonly since: Timestamp }[];
  readonly changes: readonly ({ readonly at: Timestamp; readonly by: string } & QueueSettingsResource)[];
}

/** A secret's value is never shown. */
export interface SecretResource {
  readonly object: 'secret';
  readonly name: string;
  readonly created_at: Timestamp;
  readonly updated_at: Timestamp;
}

export interface ApiKeyResource {
  readonly object: 'api_key';
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly role: 'viewer' | 'editor' | 'admin';
  /** Beside the role. */
  readonly permissions: readonly ('run' | 'approve')[];
  readonly user_id: string | null;
  readonly pod_id: string | null;
  readonly dialect: string | null;
  readonly created_at: Timestamp;
  /** Only in the answer that made it. */
  readonly key?: string;
}

/** A person whom keys belong to. */
export interface UserResource {
  readonly object: 'user';
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly created_at: Timestamp;
}

/** Something that somebody did. */
export interface AuditResource {
  readonly object: 'audit_entry';
  readonly id: string;
  readonly at: Timestamp;
  /** `user:<id>`, for a key without a user `user:key_<prefix>`. */
  readonly actor: string;
  readonly key_prefix: string;
  /** The operation, by its id in the API's description. */
  readonly action: string;
  readonly target: string;
  readonly status: number;
  readonly request_id: string;
}

/** RFC 9457, with what every problem of Runlog has. */
export interface ProblemResource {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly request_id: string;
  readonly errors: readonly { readonly pointer: string; readonly detail: string; readonly suggestion?: string }[];
  /** The current state, for a 409. */
  readonly state?: Json;
}

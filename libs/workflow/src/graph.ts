import type { PinnedAgent } from './agent/definition.js';
import type { EdgeDefinition, NodeDefinition, RetryPolicy, WorkflowDefinition, WorkflowSettings } from './definition.js';

/**
 * A published version, compiled once and shared by every execution of it. Look-ups are O(1); nothing here changes after
 * `compile`. Node order is that of the definition.
 */
export interface Workflow {
  readonly versionId: string;
  readonly definition: WorkflowDefinition;
  readonly settings: WorkflowSettings;
  readonly nodes: ReadonlyMap<string, CompiledNode>;
  /** Nodes without an edge from any node but the start. */
  readonly first: readonly string[];
  /** Nodes without an outgoing edge: their outputs are the default output. */
  readonly last: readonly string[];
}

/** What a node declares about the world that it touches: its intent is recorded before it begins, its receipt after. */
export interface EffectRule {
  readonly class: 'at_least_once' | 'at_most_once' | 'keyed';
  /** Once nobody can tell whether it has had its effect, only a person may have it repeated. Always so at most once. */
  readonly asks: boolean;
}

export interface CompiledNode {
  readonly definition: NodeDefinition;
  readonly id: string;
  readonly type: string;
  /** Runs inside `commands`: transform, condition, switch, merge. */
  readonly pure: boolean;
  /** approval and question: opens a gate. */
  readonly gate: 'approval' | 'question' | null;
  /** delay: waits for a timer. */
  readonly delay: boolean;
  /** Everything else goes to a runner. */
  readonly incoming: readonly EdgeDefinition[];
  readonly outgoing: readonly EdgeDefinition[];
  /** How many edges come in (the start's included). */
  readonly inDegree: number;
  /** merge with mode any: runs at the first open edge. */
  readonly mergeAny: boolean;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number | null;
  /** null: it declares none, or runs where nothing touches the world. */
  readonly effect: EffectRule | null;
  /** Of an `agent` node: the version that is pinned for it; null: any other kind. */
  readonly agent: PinnedAgent | null;
  /** Ids of nodes whose outputs the config refers to; 'ancestors' when that cannot be told from the text. */
  readonly references: readonly string[] | 'ancestors';
  /** All ancestors, computed on first use. */
  ancestors(): readonly string[];
}

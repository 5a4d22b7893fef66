import type { PinnedAgent } from './agent/definition.js';
import { type EdgeDefinition, type NodeDefinition, type RetryPolicy, START, type WorkflowDefinition } from './definition.js';
import type { CompiledNode, EffectRule, Workflow } from './graph.js';
import { kinds } from './kinds/registry.js';
import { referencesOf } from './references.js';

const defaultRetry: RetryPolicy = { max_attempts: 1, initial_ms: 200, factor: 2, max_ms: 30_000, jitter: true };
const noEdges: readonly EdgeDefinition[] = [];

/** The agents that a workflow's version pins, by node. */
export type PinnedAgents = { readonly [node: string]: PinnedAgent };

/** Look-ups in a valid definition, O(nodes + edges). Expressions are read when a node's `references` are first asked for. */
export function compile(versionId: string, definition: WorkflowDefinition, agents: PinnedAgents = {}): Workflow {
  const incoming = groupBy(definition.edges, (edge) => edge.to);
  const outgoing = groupBy(definition.edges, (edge) => edge.from);
  const nodes = new Map<string, CompiledNode>();
  for (const node of definition.nodes) nodes.set(node.id, new Node(node, incoming.get(node.id) ?? noEdges, outgoing.get(node.id) ?? noEdges, nodes, agents[node.id] ?? null));
  const ids = [...nodes.keys()];
  return {
    versionId,
    definition,
    settings: definition.settings ?? {},
    nodes,
    first: ids.filter((id) => (incoming.get(id) ?? noEdges).every((edge) => edge.from === START)),
    last: ids.filter((id) => !outgoing.has(id)),
  };
}

function groupBy(edges: readonly EdgeDefinition[], key: (edge: EdgeDefinition) => string): Map<string, EdgeDefinition[]> {
  const groups = new Map<string, EdgeDefinition[]>();
  for (const edge of edges) {
    const group = groups.get(key(edge));
    if (group) group.push(edge);
    else groups.set(key(edge), [edge]);
  }
  return groups;
}

/** The shorter of the node's own and its agent's, in milliseconds. */
const timeoutOf = ({ timeout_ms: own }: NodeDefinition, agent: PinnedAgent | null): number | null => {
  const ofAgent = agent?.limits.seconds === undefined ? undefined : Math.round(agent.limits.seconds * 1000);
  return own === undefined || ofAgent === undefined ? (own ?? ofAgent ?? null) : Math.min(own, ofAgent);
};

const effectOf = ({ effect, on_unknown }: NodeDefinition): EffectRule | null => {
  if (effect === undefined && on_unknown === undefined) return null;
  return { class: effect ?? 'at_least_once', asks: effect === 'at_most_once' || on_unknown === 'ask' };
};

class Node implements CompiledNode {
  readonly id: string;
  readonly type: string;
  readonly pure: boolean;
  readonly gate: 'approval' | 'question' | null;
  readonly delay: boolean;
  readonly inDegree: number;
  readonly mergeAny: boolean;
  readonly retry: RetryPolicy;
  readonly timeoutMs: number | null;
  readonly effect: EffectRule | null;
  #references: readonly string[] | 'ancestors' | undefined;
  #ancestors: readonly string[] | undefined;

  constructor(
    readonly definition: NodeDefinition,
    readonly incoming: readonly EdgeDefinition[],
    readonly outgoing: readonly EdgeDefinition[],
    private readonly graph: ReadonlyMap<string, CompiledNode>,
    readonly agent: PinnedAgent | null,
  ) {
    const kind = kinds.get(definition.type);
    this.id = definition.id;
    this.type = definition.type;
    this.pure = kind?.runs === 'inline';
    this.gate = kind?.runs === 'gate' ? (definition.type as 'approval' | 'question') : null;
    this.delay = kind?.runs === 'timer';
    this.inDegree = incoming.length;
    this.mergeAny = definition.type === 'merge' && definition.config.mode === 'any';
    this.retry = definition.retry ? { ...defaultRetry, ...definition.retry } : defaultRetry;
    this.timeoutMs = timeoutOf(definition, agent);
    // An agent's calls are effects of their own, each with intent and receipt.
    this.effect = kind?.runs === 'runner' && definition.type !== 'agent' ? effectOf(definition) : null;
  }

  get references(): readonly string[] | 'ancestors' {
    if (this.#references === undefined) {
      const found = this.type === 'merge' ? this.predecessors() : referencesOf(this.definition);
      this.#references = found === 'ancestors' ? found : found.filter((id) => this.graph.has(id));
    }
    return this.#references;
  }

  ancestors(): readonly string[] {
    if (this.#ancestors === undefined) {
      const seen = new Set(this.predecessors());
      for (const id of seen) for (const edge of this.graph.get(id)?.incoming ?? noEdges) if (edge.from !== START) seen.add(edge.from);
      this.#ancestors = [...seen];
    }
    return this.#ancestors;
  }

  /** The compiled node at the other end of an edge into this one. */
  predecessor(edge: EdgeDefinition): CompiledNode | undefined {
    return this.graph.get(edge.from);
  }

  private predecessors(): string[] {
    return [...new Set(this.incoming.map((edge) => edge.from).filter((from) => from !== START))];
  }
}

/** The node that an edge into `node` comes from; undefined for the start. */
export const predecessorOf = (node: CompiledNode, edge: EdgeDefinition): CompiledNode | undefined => (node instanceof Node ? node.predecessor(edge) : undefined);

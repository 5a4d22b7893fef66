import { type CompiledNode, kinds, START, type Workflow } from '@runlog/workflow';
import type { Reuse } from './commands.js';
import type { NodeState } from './execution.js';
import type { ExecutionId, NodeId } from './ids.js';

/** How a node of the ended execution stands at the version that the replay forks at. */
export interface SourceNode {
  readonly type: string;
  readonly status: NodeState['status'];
  readonly branch: string | null;
  /** A try of it had begun. */
  readonly tried: boolean;
  /** It did not run there: where it did, and that execution's version. */
  readonly reused: { readonly from: ExecutionId; readonly version: number } | null;
}

/** Of a node that declares its effect: what running it again would find of that. */
export type Heritage = 'receipt' | 'begun';

export interface PlanAsk {
  readonly source: { readonly id: ExecutionId; readonly version: number };
  readonly nodes: ReadonlyMap<NodeId, SourceNode>;
  /** This node and whatever follows it runs again. */
  readonly from: NodeId | undefined;
  /** Without `from`: true reuses all that had completed (a fork), false runs from the beginning. */
  readonly fork: boolean;
  /** Gates are asked again, and whatever follows them runs again. */
  readonly reask: boolean;
  /** Where it does the same work as the execution that it replays; with another input its effects are others. */
  readonly heritage?: ReadonlyMap<NodeId, Heritage>;
}

export interface PlannedNode {
  readonly node: NodeId;
  /** `run`, `ask`, and `reuse` of the receipt of an effect: once it is reached. */
  readonly action: 'reuse' | 'run' | 'ask';
}

/** What a replay will do, in the definition's order; nodes that stay skipped are not in it. */
export interface ReplayPlan {
  readonly nodes: readonly PlannedNode[];
  /** Nodes that touch the world, have done so (or begun to), and run again. */
  readonly repeatedEffects: readonly NodeId[];
  /** Nodes that run again and find what is known of their effects. */
  readonly effects: readonly NodeId[];
  readonly reuse: readonly Reuse[];
}

type Fate = 'reuse' | 'skip' | 'run';

/**
 * Decides for every node of `workflow` (the version that the replay runs) whether it is reused. A node is reused if it had completed and
 * nothing before it runs again, so that joins of both run again and no output rests on another input than it had. Pure, O(nodes + edges).
 */
export const planReplay = (workflow: Workflow, ask: PlanAsk): ReplayPlan | { readonly problem: string } => {
  const problem = problemOf(workflow, ask);
  if (problem !== undefined) return { problem };
  const fates = fatesOf(workflow, ask);
  const nodes: PlannedNode[] = [];
  const repeatedEffects: NodeId[] = [];
  const effects: NodeId[] = [];
  const groups = new Map<ExecutionId, { version: number; nodes: NodeId[]; branches: [NodeId, string][] }>();
  for (const node of workflow.nodes.values()) {
    const fate = fates.get(node.id);
    const was = ask.nodes.get(node.id);
    if (fate === 'skip') continue;
    if (fate !== 'reuse' || !was) {
      const heritage = node.effect ? ask.heritage?.get(node.id) : undefined;
      if (heritage) effects.push(node.id);
      const action = actionOf(node, heritage);
      nodes.push({ node: node.id, action });
      if ((was?.tried || heritage) && action === 'run' && touchesWorld(node)) repeatedEffects.push(node.id);
      continue;
    }
    nodes.push({ node: node.id, action: 'reuse' });
    const { from, version } = was.reused ?? { from: ask.source.id, version: ask.source.version };
    const group = groups.get(from) ?? { version, nodes: [], branches: [] };
    groups.set(from, group);
    group.nodes.push(node.id);
    if (was.branch !== null) group.branches.push([node.id, was.branch]);
  }
  const reuse = [...groups].map(([id, { version, nodes, branches }]) => ({
    source_execution_id: id,
    source_version: version,
    nodes,
    branches: Object.fromEntries(branches),
  }));
  return { nodes, repeatedEffects, effects, reuse };
};

const actionOf = ({ gate, effect }: CompiledNode, heritage: Heritage | undefined): PlannedNode['action'] => {
  if (heritage === 'receipt') return 'reuse';
  return gate || (heritage === 'begun' && effect?.asks) ? 'ask' : 'run';
};

const problemOf = (workflow: Workflow, { from, nodes, source }: PlanAsk): string | undefined => {
  if (from === undefined) return undefined;
  if (!workflow.nodes.has(from)) return `Expected a node of workflow version '${workflow.versionId}', but it has no node '${from}'`;
  const status = nodes.get(from)?.status ?? 'idle';
  return status === 'idle' || status === 'skipped' ? `Expected a node that execution '${source.id}' had reached, but '${from}' was ${status}` : undefined;
};

const fatesOf = (workflow: Workflow, { from, fork, reask, nodes }: PlanAsk): ReadonlyMap<NodeId, Fate> => {
  const fates = new Map<NodeId, Fate>();
  if (from === undefined && !fork) return fates;
  for (const node of inOrder(workflow)) {
    const was = nodes.get(node.id);
    const settled = node.incoming.every(({ from: before }) => before === START || (fates.has(before) && fates.get(before) !== 'run'));
    if (node.id === from || !settled) fates.set(node.id, 'run');
    else if (!node.incoming.some((edge) => edge.from === START || (fates.get(edge.from) === 'reuse' && isOpen(edge.branch, nodes.get(edge.from))))) fates.set(node.id, 'skip');
    else fates.set(node.id, was?.status === 'completed' && was.type === node.type && !(reask && node.gate) ? 'reuse' : 'run');
  }
  return fates;
};

const isOpen = (branch: string | undefined, before: SourceNode | undefined): boolean => branch === undefined || branch === before?.branch;

/** Code has no way out of its sandbox; whoever runs elsewhere touches the world, and code that says so. */
const touchesWorld = ({ type, effect }: CompiledNode): boolean => kinds.get(type)?.runs === 'runner' && (type !== 'code' || effect !== null);

/** Every node after those before it. */
const inOrder = function* (workflow: Workflow): Generator<CompiledNode> {
  const due = new Map<NodeId, number>();
  const free: CompiledNode[] = [];
  for (const node of workflow.nodes.values()) {
    const before = node.incoming.filter(({ from }) => from !== START).length;
    due.set(node.id, before);
    if (before === 0) free.push(node);
  }
  for (const node of free) {
    yield node;
    for (const { to } of node.outgoing) {
      const left = (due.get(to) ?? 0) - 1;
      due.set(to, left);
      const next = workflow.nodes.get(to);
      if (left === 0 && next) free.push(next);
    }
  }
};

import type { DiffResource, ExecutionView, NodeView } from '@runlog/contract';
import { canonicalJson } from '@runlog/read-model';
import { orderOf, START, type Workflow } from '@runlog/workflow';
import { usd } from './money.js';
import { nodeDuration } from './node-stats.js';

/** An execution with all nodes, and the version that it is pinned to. */
export interface Run {
  readonly view: ExecutionView;
  readonly workflow: Workflow;
}

type Divergence = NonNullable<DiffResource['first_divergence']>;

/** Two runs node by node, in the order of the first one's graph; nodes that only the other one has come last. */
export const diffOf = (a: Run, b: Run, now: number): DiffResource => {
  const nodes = nodesOf(a, b);
  return {
    a: a.view.id,
    b: b.view.id,
    first_divergence:
      divergence(START, 'input', givenAs(a.view.input, a.view.input_ref), givenAs(b.view.input, b.view.input_ref)) ??
      first(nodes, (id) => divergenceAt(id, nodeOf(a, id), nodeOf(b, id))),
    nodes: nodes.map((id) => {
      const [one, other] = [nodeOf(a, id), nodeOf(b, id)];
      return {
        node_id: id,
        status: { a: statusIn(a, id), b: statusIn(b, id) },
        output_equal: isEqual(outputOf(one), outputOf(other)),
        duration_ms: { a: one ? nodeDuration(one, now) : null, b: other ? nodeDuration(other, now) : null },
        cost: { a: costOf(one), b: costOf(other) },
      };
    }),
  };
};

const nodesOf = (a: Run, b: Run): string[] => [...new Set([a, b].flatMap(({ workflow }) => orderOf([...workflow.nodes.keys()], workflow.definition.edges).order))];

const costOf = (node: NodeView | undefined): number => (node?.spent ? usd(node.spent.cost_nano_usd) : 0);

const nodeOf = ({ view }: Run, id: string): NodeView | undefined => view.nodes?.[id];

/** null: its workflow has no such node. */
const statusIn = (run: Run, id: string): DiffResource['nodes'][number]['status']['a'] => (run.workflow.nodes.has(id) ? (nodeOf(run, id)?.status ?? 'idle') : null);

const divergenceAt = (id: string, a: NodeView | undefined, b: NodeView | undefined): Divergence | null =>
  divergence(id, 'status', a?.status ?? 'idle', b?.status ?? 'idle') ??
  divergence(id, 'branch', a?.branch ?? null, b?.branch ?? null) ??
  divergence(id, 'output', outputOf(a), outputOf(b)) ??
  divergence(id, 'error', a?.error ?? null, b?.error ?? null);

/** A body that is stored elsewhere is compared, and shown, by its reference: the same bytes have the same. */
const givenAs = (value: Divergence['a'], reference: NodeView['output_ref']): Divergence['a'] => (reference ? { reference: { ...reference } } : value);

const outputOf = (node: NodeView | undefined): Divergence['a'] => (node ? givenAs(node.output, node.output_ref) : null);

const divergence = (node_id: string, field: Divergence['field'], a: Divergence['a'], b: Divergence['b']): Divergence | null => (isEqual(a, b) ? null : { node_id, field, a, b });

const isEqual = (a: Divergence['a'], b: Divergence['b']): boolean => canonicalJson(a) === canonicalJson(b);

const first = <Item, Found>(items: readonly Item[], find: (item: Item) => Found | null): Found | null => {
  for (const item of items) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
};

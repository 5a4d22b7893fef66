import { referencesOfOutput, type Workflow } from '@runlog/workflow';
import type { BodyReference } from './body-reference.js';
import type { Reuse } from './commands.js';
import type { EventOf } from './events.js';
import type { Execution } from './execution.js';
import type { Json, NodeId } from './ids.js';

/** About how many characters the data of one event may take: a record holds more than twice as much. */
const mostPerEvent = 200_000;

/** One NodeReused for all nodes of a source; more where their names don't fit one event. A function of its argument alone: a crash in between goes on by count. */
export const reusedBy = (reuse: readonly Reuse[]): EventOf<'NodeReused'>[] =>
  reuse.flatMap(({ nodes, branches, ...source }) =>
    fitting(nodes, branches).map((some) => {
      const chosen = some.flatMap((id) => (Object.hasOwn(branches, id) ? [[id, branches[id] as string] as const] : []));
      return { type: 'NodeReused' as const, data: { ...source, nodes: some, branches: Object.fromEntries(chosen) } };
    }),
  );

const fitting = (nodes: readonly NodeId[], branches: Reuse['branches']): NodeId[][] => {
  const chunks: NodeId[][] = [];
  let left = 0;
  for (const id of nodes) {
    const size = id.length + 3 + (Object.hasOwn(branches, id) ? id.length + JSON.stringify(branches[id]).length + 4 : 0);
    if (left < size) {
      chunks.push([]);
      left = mostPerEvent;
    }
    chunks.at(-1)?.push(id);
    left -= size;
  }
  return chunks;
};

/** What is wrong with it, if anything. */
export const reuseProblem = (reuse: readonly Reuse[], workflow: Workflow): string | undefined => {
  const seen = new Set<NodeId>();
  for (const { nodes } of reuse)
    for (const id of nodes) {
      if (!workflow.nodes.has(id)) return `workflow version '${workflow.versionId}' has no node '${id}' to reuse`;
      if (seen.has(id)) return `node '${id}' is reused twice`;
      seen.add(id);
    }
  return undefined;
};

/** Reused nodes whose outputs something that is not reused may read: other nodes, or the execution's output. By source. */
export const outputsToFetch = (reuse: readonly Reuse[], workflow: Workflow): { readonly source: string; readonly node: NodeId }[] => {
  const sourceOf = new Map<NodeId, string>();
  for (const { source_execution_id, nodes } of reuse) for (const id of nodes) sourceOf.set(id, source_execution_id);
  const wanted = new Set<NodeId>();
  const want = (ids: Iterable<NodeId>): void => {
    for (const id of ids) if (sourceOf.has(id)) wanted.add(id);
  };
  for (const node of workflow.nodes.values()) {
    if (sourceOf.has(node.id)) continue;
    want(node.references === 'ancestors' ? node.ancestors() : node.references);
    if (node.type === 'merge') want(node.incoming.map((edge) => edge.from));
  }
  const read = workflow.definition.output === undefined ? workflow.last : referencesOfOutput(workflow);
  want(read === 'all' ? sourceOf.keys() : read);
  return [...wanted].map((node) => ({ source: sourceOf.get(node) ?? '', node }));
};

/** Puts fetched outputs of reused nodes, and references of stored ones, beside the execution's own. Gives the nodes whose outputs it had not got yet. */
export const adoptOutputs = (execution: Execution, outputs: Iterable<readonly [NodeId, Json]>, bodies: Iterable<readonly [NodeId, BodyReference]> = []): NodeId[] => {
  for (const [id, reference] of bodies) execution.bodies.set(id, reference);
  const adopted: NodeId[] = [];
  for (const [id, output] of outputs) {
    if (execution.outputs.has(id)) continue;
    execution.outputs.set(id, output);
    adopted.push(id);
  }
  return adopted;
};

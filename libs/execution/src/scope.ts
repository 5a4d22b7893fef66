import { type CompiledNode, outputReadsInput, readsInput, referencesOfOutput, type Workflow } from '@runlog/workflow';
import type { BodyReference, ScopeBodies } from './body-reference.js';
import type { Execution } from './execution.js';
import type { Json, NodeId } from './ids.js';

export interface ExpressionScope {
  readonly input: Json;
  readonly nodes: { readonly [node: string]: Json };
  readonly execution: Json;
  /** Members that are missing above: only references of them are at hand. Absent where nothing is missing. */
  readonly bodies?: ScopeBodies;
}

/** What the expressions of a node see: only the outputs that its config refers to. Without a node: what the output expression refers to. */
export const scopeOf = (execution: Execution, workflow: Workflow, id: NodeId | null): ExpressionScope => {
  const nodes: { [node: string]: Json } = {};
  const stored: { [node: string]: BodyReference } = {};
  for (const one of wantedBy(execution, workflow, id)) {
    const output = execution.outputs.get(one);
    const reference = execution.bodies.get(one);
    if (output !== undefined) nodes[one] = output;
    else if (reference) stored[one] = reference;
  }
  const { input, input_ref } = execution.created;
  const missing = input_ref && wantsInput(workflow, id) ? input_ref : undefined;
  const isWhole = !missing && Object.keys(stored).length === 0;
  return { input, nodes, execution: describe(execution), ...(isWhole ? {} : { bodies: { ...(missing ? { input: missing } : {}), nodes: stored } }) };
};

const wantedBy = (execution: Execution, workflow: Workflow, id: NodeId | null): Iterable<NodeId> => {
  const node = id === null ? undefined : workflow.nodes.get(id);
  if (id !== null) return node ? readsOf(node) : [];
  const read = workflow.definition.output === undefined ? workflow.last : referencesOfOutput(workflow);
  return read === 'all' ? [...execution.outputs.keys(), ...execution.bodies.keys()] : read;
};

const wantsInput = (workflow: Workflow, id: NodeId | null): boolean => {
  const node = id === null ? undefined : workflow.nodes.get(id);
  return node ? readsInput(node.definition) : outputReadsInput(workflow);
};

/** Some of what the node reads is stored elsewhere: whoever runs it has to fetch it. */
export const readsBodies = (execution: Execution, node: CompiledNode): boolean =>
  readsOf(node).some((id) => execution.bodies.has(id)) || (execution.created.input_ref !== undefined && readsInput(node.definition));

/** Nodes whose outputs a node sees. A merge gives those of the nodes before it, whether its config names them or not. */
export const readsOf = (node: CompiledNode): readonly NodeId[] =>
  node.type === 'merge' ? node.incoming.map((edge) => edge.from) : node.references === 'ancestors' ? node.ancestors() : node.references;

/** The last one is kept: what is made of one execution is mostly made in a row, as the tasks of nodes that start together. */
let described: { readonly execution: Execution; readonly description: Json } | undefined;

const describe = (execution: Execution): Json => {
  if (described?.execution !== execution) described = { execution, description: descriptionOf(execution) };
  return described.description;
};

const descriptionOf = ({ id, created, createdAt }: Execution): Json => ({
  id,
  hashid: created.hashid,
  key: created.key,
  name: created.name,
  workflow_id: created.workflow_id,
  workflow_version_id: created.workflow_version_id,
  metadata: created.metadata as { [key: string]: Json },
  tags: [...created.tags],
  session_id: created.session_id,
  user_id: created.user_id,
  created_at: new Date(createdAt).toISOString(),
  retry_of: created.retry_of ?? null,
  replay_of: created.replay_of ?? null,
  retry_count: created.retry_count,
  is_replay: created.replay_of !== null,
});

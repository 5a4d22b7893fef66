import type { Workflow } from '@runlog/workflow';
import type { Execution } from './execution.js';
import type { Json, NodeId } from './ids.js';

export interface ExpressionScope {
  readonly input: Json;
  readonly nodes: { readonly [node: string]: Json };
  readonly execution: Json;
}

/** What the expressions of a node see: only the outputs that its config refers to. Without a node (the output expression) all outputs. */
export const scopeOf = (execution: Execution, workflow: Workflow, id?: NodeId | null): ExpressionScope => ({
  input: execution.created.input,
  nodes: outputsFor(execution, workflow, id),
  execution: describe(execution),
});

const outputsFor = (execution: Execution, workflow: Workflow, id: NodeId | null | undefined): { [node: string]: Json } => {
  if (id === undefined || id === null) return Object.fromEntries(execution.outputs);
  const node = workflow.nodes.get(id);
  if (!node) return {};
  // A merge gives the outputs of the nodes before it, whether its config names them or not.
  const wanted = node.type === 'merge' ? node.incoming.map((edge) => edge.from) : node.references === 'ancestors' ? node.ancestors() : node.references;
  const nodes: { [node: string]: Json } = {};
  for (const one of wanted) {
    const output = execution.outputs.get(one);
    if (output !== undefined) nodes[one] = output;
  }
  return nodes;
};

const described = new WeakMap<Execution, Json>();

const describe = (execution: Execution): Json => {
  const known = described.get(execution);
  if (known !== undefined) return known;
  const { created } = execution;
  const fresh: Json = {
    id: execution.id,
    hashid: created.hashid,
    key: created.key,
    name: created.name,
    workflow_id: created.workflow_id,
    workflow_version_id: created.workflow_version_id,
    metadata: created.metadata as { [key: string]: Json },
    tags: [...created.tags],
    session_id: created.session_id,
    user_id: created.user_id,
    created_at: new Date(execution.createdAt).toISOString(),
    retry_of: created.retry_of ?? null,
    replay_of: created.replay_of ?? null,
    retry_count: created.retry_count,
    is_replay: created.replay_of !== null,
  };
  described.set(execution, fresh);
  return fresh;
};

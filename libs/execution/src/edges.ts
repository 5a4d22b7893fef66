import { START, type Workflow } from '@runlog/workflow';
import type { Execution, NodeState } from './execution.js';
import type { NodeId } from './ids.js';

/** The node's state, made when something first happens to it. */
export const arrive = (execution: Execution, id: NodeId, workflow: Workflow): NodeState => {
  const known = execution.nodes.get(id);
  if (known) return known;
  const due = workflow.nodes.get(id)?.inDegree ?? 0;
  const node: NodeState = { status: 'idle', attempt: 0, due, open: 0, failures: 0, losses: 0, runner: null, waitsFor: null };
  execution.nodes.set(id, node);
  return node;
};

/** Opens the edges from the start. */
export const openFirst = (execution: Execution, workflow: Workflow): void => {
  for (const to of startTargets(workflow)) pass(execution, to, true, workflow);
};

/** Decides the edges out of a settled node: open where they carry no branch or the chosen one; all closed when it was skipped (`null`). */
export const decideEdges = (execution: Execution, from: NodeId, branch: string | undefined | null, workflow: Workflow): void => {
  for (const edge of workflow.nodes.get(from)?.outgoing ?? []) pass(execution, edge.to, branch !== null && (edge.branch === undefined || edge.branch === branch), workflow);
};

const pass = (execution: Execution, to: NodeId, open: boolean, workflow: Workflow): void => {
  const node = arrive(execution, to, workflow);
  node.due--;
  if (open) node.open++;
  if (node.status !== 'idle') return;
  if (node.due === 0 && node.open === 0) execution.unreached.add(to);
  else if (node.open > 0 && (node.due === 0 || workflow.nodes.get(to)?.mergeAny)) execution.ready.add(to);
};

const targets = new WeakMap<Workflow, readonly NodeId[]>();

const startTargets = (workflow: Workflow): readonly NodeId[] => {
  const known = targets.get(workflow);
  if (known) return known;
  const found = workflow.definition.edges.filter((edge) => edge.from === START).map((edge) => edge.to);
  targets.set(workflow, found);
  return found;
};

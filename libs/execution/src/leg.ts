import type { CompiledNode, Workflow } from '@runlog/workflow';
import type { CommandOf, ExecutionCommand } from './commands.js';
import type { Decision } from './decide.js';
import { startNode } from './decide-nodes.js';
import type { Execution } from './execution.js';
import type { CommandId, Instant, Json, NodeId } from './ids.js';
import type { Leg, LegNode, NodeTask } from './messages.js';
import { refuse } from './refusal.js';
import { readsBodies, readsOf } from './scope.js';

/** A node that sees more outputs than this is not worth naming them all ahead. */
const maxReads = 100;

/** Everything but pure nodes, gates and delays goes to a runner. */
export const runsOnRunner = (node: CompiledNode): boolean => !node.pure && !node.gate && !node.delay;

/** Its start need not be decided before it begins: should the decision be against it, it may have had its effect for nothing, and again. An agent asks for each of its calls. */
const mayBeginAhead = (node: CompiledNode): boolean => runsOnRunner(node) && node.effect === null && node.type !== 'agent';

/** Up to `most` nodes that follow the node by the graph alone, one after the other; undefined where the leg is the node itself. */
export const legAfter = (execution: Execution, workflow: Workflow, id: NodeId, most: number): Leg | undefined => {
  const nodes: LegNode[] = [];
  const outputs: { [node: string]: Json } = {};
  for (let next = followerOf(execution, workflow, id); next && nodes.length < most; next = followerOf(execution, workflow, next.id)) {
    const reads = readsOf(next);
    if (reads.length > maxReads || readsBodies(execution, next)) break;
    nodes.push({
      node: next.id,
      kind: next.type,
      config: next.definition.config as Json,
      timeoutMs: next.timeoutMs,
      effect: null,
      reads,
    });
    for (const read of reads) {
      const output = execution.outputs.get(read);
      if (output !== undefined) outputs[read] = output;
    }
  }
  return nodes.length > 0 ? { nodes, outputs } : undefined;
};

/** The node whose only undecided edge is the only edge out of this one, and whose start nothing else decides. */
const followerOf = (execution: Execution, workflow: Workflow, id: NodeId): CompiledNode | undefined => {
  const [edge, ...others] = workflow.nodes.get(id)?.outgoing ?? [];
  const next = edge && others.length === 0 && edge.branch === undefined ? workflow.nodes.get(edge.to) : undefined;
  if (!next || !mayBeginAhead(next)) return undefined;
  const { status = 'idle', due = next.inDegree } = execution.nodes.get(next.id) ?? {};
  return status === 'idle' && due === 1 ? next : undefined;
};

/** What a runner that has completed `task` goes on with: the task of the next node of the leg. `by`: the command that carries the intent. */
export const stepAfter = (task: NodeTask, output: Json, by: CommandId, at: Instant): NodeTask | undefined => {
  const next = task.leg?.nodes[0];
  if (!task.leg || !next) return undefined;
  const { node, kind, config, timeoutMs, effect, reads } = next;
  const outputs = { ...task.leg.outputs, [task.node]: output };
  const seen: { [node: string]: Json } = {};
  for (const id of reads) if (Object.hasOwn(outputs, id)) seen[id] = outputs[id] as Json;
  const head = task.leg.begun?.head ?? `${task.node}.${task.attempt}`;
  const { executionId, workspaceId, workflowVersionId, traceparent, scope } = task;
  const leg = { nodes: task.leg.nodes.slice(1), outputs, begun: { head, by } };
  const idempotencyKey = `${executionId}:${node}`;
  const traced = traceparent === undefined ? undefined : { traceparent };
  const seenBy = { input: scope.input, nodes: seen, execution: scope.execution };
  return { executionId, workspaceId, workflowVersionId, node, attempt: 1, kind, config, timeoutMs, idempotencyKey, effect, scope: seenBy, leg, at, ...traced };
};

/** The start that a report carries, as the command that it stands for. */
export const intentOf = (command: ExecutionCommand): CommandOf<'StartNode'> | undefined => {
  if (command.type !== 'CompleteNode' || !command.begins) return undefined;
  const { executionId, workspaceId, at, runner, replyTo, begins } = command;
  const intent = { type: 'StartNode' as const, id: begins.id, executionId, workspaceId, at, runner, node: begins.node, attempt: begins.attempt };
  return replyTo === undefined ? intent : { ...intent, replyTo };
};

/**
 * The second half of deciding a report that carries an intent, on the state that its result has left. It is refused unless that very
 * result counts; whatever fences a start fences it too. No events: it had been begun before.
 */
export const decideIntent = (intent: CommandOf<'StartNode'>, report: CommandOf<'CompleteNode'>, execution: Execution, workflow: Workflow): Decision => {
  const before = execution.nodes.get(report.node);
  const node = execution.nodes.get(intent.node);
  const counts = before?.status === 'completed' && before.attempt === report.attempt && before.runner === report.runner;
  if (!counts || (node?.status === 'running' && node.startedBy !== report.id))
    return refuse(intent, execution, 'InvalidState', 'attempt_over', `the result of node '${report.node}' that node '${intent.node}' was begun on does not count`);
  const definition = workflow.nodes.get(intent.node);
  if (execution.status !== 'running' || execution.cancel || !execution.ready.has(intent.node) || !definition || !mayBeginAhead(definition))
    return startNode(intent, execution, workflow);
  return [
    { type: 'NodeScheduled', data: { node_id: intent.node, attempt: 1, kind: definition.type } },
    { type: 'NodeStarted', data: { node_id: intent.node, attempt: 1, runner: intent.runner } },
  ];
};

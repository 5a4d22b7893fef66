import { type Execution, type Instant, idempotencyKeyOf, journalOf, legAfter, type NodeId, type NodeTask, runsOnRunner, scopeOf } from '@runlog/execution';
import type { CompiledNode } from '@runlog/workflow';
import type { Live } from './live.js';
import type { StoredBodies } from './stored-bodies.js';

/** Characters of a journal up to which it is part of the task. */
const largestJournal = 128 * 1024;

/** The task of a node's present attempt, with up to `legs` nodes that follow it; undefined when no runner has to do with it. */
export const taskFor = ({ execution, workflow }: Live, id: NodeId, at: Instant, legs: number): NodeTask | undefined => {
  const node = workflow.nodes.get(id);
  const state = execution.nodes.get(id);
  if (!node || !state || !runsOnRunner(node)) return undefined;
  const { bodies, ...scope } = scopeOf(execution, workflow, id);
  const leg = legAfter(execution, workflow, id, legs);
  const journal = node.agent ? journalOf(execution, id) : undefined;
  return {
    executionId: execution.id,
    workspaceId: execution.workspaceId,
    workflowVersionId: workflow.versionId,
    node: id,
    attempt: state.attempt,
    kind: node.type,
    config: configOf(node),
    timeoutMs: node.timeoutMs,
    idempotencyKey: idempotencyKeyOf(execution, id),
    effect: node.effect?.class ?? null,
    scope,
    ...(bodies ? { bodies } : {}),
    ...(execution.traceparent === undefined ? {} : { traceparent: execution.traceparent }),
    ...(leg ? { leg } : {}),
    // Who waits for an answer starts by a command of its own.
    ...(node.effect || node.agent ? {} : { startWithReport: true as const }),
    ...(journal ? { journal } : {}),
    at,
  };
};

/** An agent's is the version that the workflow's version pins. */
const configOf = ({ agent, definition }: CompiledNode): NodeTask['config'] => (agent ? { ...definition.config, agent } : definition.config) as unknown as NodeTask['config'];

/** A large journal goes by reference: no record need hold it. */
export const withStoredJournal = async (task: NodeTask, stored: StoredBodies): Promise<NodeTask> => {
  if (!task.journal) return task;
  const text = JSON.stringify(task.journal);
  if (text.length <= largestJournal) return task;
  const { journal: _large, ...rest } = task;
  return { ...rest, journal_ref: await stored.put(task.workspaceId, text) };
};

/** Nodes that are scheduled and that nobody has started, as far as the state tells. */
export const scheduledNodes = (execution: Execution): NodeId[] => (execution.cancel ? [] : [...execution.active].filter((id) => execution.nodes.get(id)?.status === 'scheduled'));

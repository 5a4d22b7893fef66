import type { EventOf, ExecutionEvent } from '@runlog/execution';
import type { ExecutionDraft, NodeDraft, NodeNames } from './draft.js';
import { attemptOf, begin, end, newNode, nodeOf, schedule, turnNode } from './nodes.js';

/** What an event says about its node. An event that is about no node changes nothing. */
export const foldNode = (view: ExecutionDraft, event: ExecutionEvent & { readonly at: number }, workflow: NodeNames): void => {
  const { at } = event;
  switch (event.type) {
    case 'NodeScheduled': {
      const node = nodeOf(view, event.data.node_id, workflow);
      letGo(node, event.data.attempt, at);
      const attempt = attemptOf(node, event.data.attempt);
      schedule(node, attempt, at);
      attempt.status = 'scheduled';
      return turnNode(view, node, 'scheduled');
    }
    case 'NodeStarted': {
      const node = nodeOf(view, event.data.node_id, workflow);
      const attempt = attemptOf(node, event.data.attempt);
      begin(node, attempt, at);
      Object.assign(attempt, { status: 'running', runner: event.data.runner });
      view.assigned_to_worker = event.data.runner;
      return turnNode(view, node, 'running');
    }
    case 'NodeWaiting': {
      const node = nodeOf(view, event.data.node_id, workflow);
      const attempt = attemptOf(node, event.data.attempt);
      begin(node, attempt, at);
      attempt.status = 'waiting';
      turnNode(view, node, 'waiting');
      node.due_at = event.data.until;
      return;
    }
    case 'ApprovalRequested':
    case 'QuestionRequested':
    case 'BudgetExhausted': {
      const node = nodeOf(view, event.data.node_id, workflow);
      const attempt = attemptOf(node, event.data.attempt);
      begin(node, attempt, at);
      attempt.status = 'waiting';
      return turnNode(view, node, 'waiting');
    }
    case 'NodeRetryScheduled': {
      const node = nodeOf(view, event.data.node_id, workflow);
      attemptOf(node, event.data.attempt).status = 'waiting';
      turnNode(view, node, 'waiting');
      node.due_at = event.data.retry_at;
      return;
    }
    case 'NodeCompleted': {
      const node = nodeOf(view, event.data.node_id, workflow);
      if (event.data.attempt > 0) {
        const attempt = attemptOf(node, event.data.attempt);
        begin(node, attempt, at);
        if (end(attempt, 'completed', at)) view.n_steps++;
      }
      if (event.data.output_ref) node.output_ref = event.data.output_ref;
      Object.assign(node, { output: event.data.output, branch: event.data.branch ?? null, error: null, completed_at: at });
      return turnNode(view, node, 'completed');
    }
    case 'NodeFailed': {
      const { error, final } = event.data;
      const node = nodeOf(view, event.data.node_id, workflow);
      node.error = { code: error.code, message: error.message };
      if (event.data.attempt > 0) {
        const attempt = attemptOf(node, event.data.attempt);
        if (event.data.inline) begin(node, attempt, at);
        if (end(attempt, 'failed', at, node.error)) view.n_steps++;
      }
      if (!final) return;
      node.failed_at = at;
      return turnNode(view, node, 'failed');
    }
    case 'NodeStopped': {
      const node = nodeOf(view, event.data.node_id, workflow);
      if (event.data.attempt > 0) end(attemptOf(node, event.data.attempt), 'stopped', at);
      node.stopped_at = at;
      node.stop = { outcome: event.data.outcome, acknowledged: event.data.acknowledged, signalled_at: event.data.signalled_at ?? null };
      return turnNode(view, node, 'stopped');
    }
    case 'EffectUnknown':
      if (event.data.call) attemptOf(nodeOf(view, event.data.node_id, workflow), event.data.attempt).status = 'waiting';
      return turnNode(view, nodeOf(view, event.data.node_id, workflow), 'waiting');
    case 'ResponseReceived':
      if (event.data.decision === 'repeat') turnNode(view, nodeOf(view, event.data.node_id, workflow), 'idle');
      return;
    case 'NodeSkipped':
      return turnNode(view, nodeOf(view, event.data.node_id, workflow), 'skipped');
    case 'NodeReused':
      for (const id of event.data.nodes) view.nodes[id] = reusedNode(id, event.data, at, workflow);
      view.completed_actions_count += event.data.nodes.length;
      return;
    case 'AttemptLost': {
      const node = nodeOf(view, event.data.node_id, workflow);
      end(attemptOf(node, event.data.attempt), 'lost', at, { code: 'attempt_lost', message: event.data.because });
      return;
    }
    default:
      return;
  }
};

/** An attempt of an agent that waited for people ends with what they decided: another one goes on. */
const letGo = (node: NodeDraft, next: number, at: number): void => {
  const last = node.attempts.at(-1);
  if (last?.status === 'waiting' && last.attempt < next) end(last, 'stopped', at);
};

/** Completed elsewhere: no attempt, no cost, and its output stays where it is. */
const reusedNode = (id: string, { source_execution_id, source_version, branches }: EventOf<'NodeReused'>['data'], at: number, workflow: NodeNames): NodeDraft => {
  const node = newNode(id, workflow);
  node.status = 'completed';
  node.branch = Object.hasOwn(branches, id) ? (branches[id] ?? null) : null;
  node.completed_at = at;
  node.reused_from = { execution_id: source_execution_id, version: source_version };
  return node;
};

import type { NodeStatus } from '@runlog/contract';
import type { AttemptDraft, ExecutionDraft, NodeDraft, NodeNames } from './draft.js';

type Count = 'running_actions_count' | 'completed_actions_count' | 'failed_actions_count' | 'stopped_actions_count';

/** Where a status is counted; idle is whatever no other count holds. */
const countOf: { readonly [Status in NodeStatus]: Count | null } = {
  idle: null,
  scheduled: null,
  skipped: null,
  running: 'running_actions_count',
  waiting: 'running_actions_count',
  completed: 'completed_actions_count',
  failed: 'failed_actions_count',
  stopped: 'stopped_actions_count',
};

export const nodeOf = (view: ExecutionDraft, id: string, workflow: NodeNames): NodeDraft => {
  const known = view.nodes[id];
  if (known) return known;
  const node = newNode(id, workflow);
  view.nodes[id] = node;
  return node;
};

export const newNode = (id: string, workflow: NodeNames): NodeDraft => {
  const compiled = workflow.nodes.get(id);
  return {
    node_id: id,
    type: compiled?.type ?? 'unknown',
    name: compiled?.definition.name ?? id,
    status: 'idle',
    branch: null,
    output: null,
    error: null,
    scheduled_at: null,
    started_at: null,
    completed_at: null,
    stopped_at: null,
    failed_at: null,
    due_at: null,
    stop: null,
    attempts: [],
    reused_from: null,
  };
};

/** Changes a node's status and moves it from one count to another. */
export const turnNode = (view: ExecutionDraft, node: NodeDraft, status: NodeStatus): void => {
  const from = countOf[node.status];
  const to = countOf[status];
  if (from) view[from]--;
  if (to) view[to]++;
  node.status = status;
  node.due_at = null;
};

/** The numbered attempt, made when an event is the first to name it. */
export const attemptOf = (node: NodeDraft, number: number): AttemptDraft => {
  for (let i = node.attempts.length - 1; i >= 0; i--) {
    const attempt = node.attempts[i] as AttemptDraft;
    if (attempt.attempt === number) return attempt;
  }
  const attempt: AttemptDraft = { attempt: number, status: 'idle', runner: null, scheduled_at: null, started_at: null, ended_at: null, error: null, late_report: null };
  node.attempts.push(attempt);
  return attempt;
};

/** Both a node's times and its attempt's are the first of their kind: a node's span all its attempts. */
export const schedule = (node: NodeDraft, attempt: AttemptDraft, at: number): void => {
  node.scheduled_at ??= at;
  attempt.scheduled_at ??= at;
};

export const begin = (node: NodeDraft, attempt: AttemptDraft, at: number): void => {
  schedule(node, attempt, at);
  node.started_at ??= at;
  attempt.started_at ??= at;
};

/** Ends an attempt once; false: it had ended before. */
export const end = (attempt: AttemptDraft, status: AttemptDraft['status'], at: number, error: { code: string; message: string } | null = null): boolean => {
  if (attempt.ended_at !== null) return false;
  Object.assign(attempt, { status, ended_at: at, error });
  return true;
};

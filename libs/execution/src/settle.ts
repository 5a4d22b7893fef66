import type { Workflow } from '@runlog/workflow';
import type { ExecutionEvent, GateRules } from './events.js';
import type { Execution } from './execution.js';
import type { Instant, Json, NodeId } from './ids.js';
import type { Evaluation } from './next.js';
import { completed } from './output.js';

/** What evaluating gave: a value (and the branch it chooses), or an error that ends the node. */
export type Outcome = { readonly output: Json; readonly branch?: string } | { readonly error: { readonly code: string; readonly message: string } };

/** The events of an evaluated expression. `at` is the command's time, from which a delay and a gate's expiry count. */
export const settle = (execution: Execution, evaluation: Evaluation, outcome: Outcome, workflow: Workflow, at: Instant): ExecutionEvent[] => {
  if (evaluation.purpose === 'output') return [outputEvent(outcome, workflow)];
  const { node, attempt } = evaluation;
  if ('error' in outcome) return [failed(node, attempt, outcome.error)];
  if (evaluation.purpose === 'pure')
    return [
      {
        type: 'NodeCompleted',
        data: { node_id: node, attempt, output: outcome.output, ...(outcome.branch === undefined ? {} : { branch: outcome.branch }), inline: true },
      },
    ];
  const config = (outcome.output ?? {}) as { readonly [key: string]: Json };
  if (evaluation.purpose === 'delay') return [wait(node, attempt, config, at)];
  const kind = workflow.nodes.get(node)?.gate === 'question' ? 'QuestionRequested' : 'ApprovalRequested';
  return [{ type: kind, data: { node_id: node, attempt, gate_id: `${node}.${attempt}`, ...gateRules(config, at) } }];
};

const outputEvent = (outcome: Outcome, workflow: Workflow): ExecutionEvent =>
  'error' in outcome
    ? { type: 'ExecutionFailed', data: { error: `The output expression failed: ${outcome.error.message}`, error_code: outcome.error.code, error_node_id: null } }
    : completed(outcome.output, workflow);

const wait = (node: NodeId, attempt: number, config: { readonly [key: string]: Json }, at: Instant): ExecutionEvent => {
  const until = config.seconds === undefined || config.seconds === null ? Date.parse(String(config.until)) : at + Math.round(Number(config.seconds) * 1000);
  if (Number.isFinite(until)) return { type: 'NodeWaiting', data: { node_id: node, attempt, until } };
  const message = `Expected 'seconds' as a number or 'until' as an RFC 3339 time, but got ${JSON.stringify(config)}`;
  return failed(node, attempt, { code: 'delay_invalid', message });
};

const gateRules = (config: { readonly [key: string]: Json }, at: Instant): GateRules => {
  const approvers = config.approvers as { users?: string[]; roles?: string[]; needed?: number; exclude_starter?: boolean } | undefined;
  const expires = config.expires_in_seconds;
  return {
    prompt: typeof config.prompt === 'string' ? config.prompt : JSON.stringify(config.prompt ?? ''),
    schema: config.schema ?? null,
    approvers: approvers
      ? { users: approvers.users ?? [], roles: approvers.roles ?? [], needed: approvers.needed ?? 1, exclude_starter: approvers.exclude_starter ?? false }
      : null,
    expires_at: typeof expires === 'number' ? at + expires * 1000 : null,
    on_expiry: (config.on_expiry as GateRules['on_expiry'] | undefined) ?? 'fail',
    on_reject: (config.on_reject as GateRules['on_reject'] | undefined) ?? 'reject',
    reminders_at: ((config.reminders_seconds as number[] | undefined) ?? []).map((seconds) => at + seconds * 1000),
  };
};

const failed = (node: NodeId, attempt: number, error: { readonly code: string; readonly message: string }): ExecutionEvent => ({
  type: 'NodeFailed',
  data: { node_id: node, attempt, error: { ...error, retryable: false }, final: true, inline: true },
});

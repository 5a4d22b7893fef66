import { type GateConfig, gateConfig, type Workflow } from '@runlog/workflow';
import type { CallGate } from './agent-calls.js';
import type { BodyReference } from './body-reference.js';
import type { EventOf, ExecutionEvent, GateRules } from './events.js';
import type { Instant, Json, NodeId } from './ids.js';
import type { Evaluation } from './next.js';
import { completed } from './output.js';

/**
 * What evaluating gave: a value (of a gate its GateConfig, of a delay `{ until }`; `reference`: it is a stored body as it stands, and `output` is
 * null) and the branch it chooses, or an error that ends the node.
 */
export type Outcome =
  | { readonly output: Json; readonly reference?: BodyReference; readonly branch?: string }
  | { readonly error: { readonly code: string; readonly message: string } };

/** The events of an evaluated expression. `at` is the command's time, from which a delay and a gate's expiry count. */
export const settle = (evaluation: Evaluation, outcome: Outcome, workflow: Workflow, at: Instant): ExecutionEvent[] => {
  if (evaluation.purpose === 'output') return [outputEvent(outcome, workflow)];
  const { node, attempt } = evaluation;
  if ('error' in outcome) return [failed(node, attempt, outcome.error)];
  if (evaluation.purpose === 'pure')
    return [
      {
        type: 'NodeCompleted',
        data: {
          node_id: node,
          attempt,
          output: outcome.output,
          ...(outcome.reference ? { output_ref: outcome.reference } : {}),
          ...(outcome.branch === undefined ? {} : { branch: outcome.branch }),
          inline: true,
        },
      },
    ];
  if (evaluation.purpose === 'delay') return [{ type: 'NodeWaiting', data: { node_id: node, attempt, until: (outcome.output as { until: Instant }).until } }];
  const kind = workflow.nodes.get(node)?.gate === 'question' ? 'QuestionRequested' : 'ApprovalRequested';
  return [{ type: kind, data: { node_id: node, attempt, gate_id: `${node}.${attempt}`, ...rulesOf(outcome.output as unknown as GateConfig, at) } }];
};

const outputEvent = (outcome: Outcome, workflow: Workflow): ExecutionEvent =>
  'error' in outcome
    ? { type: 'ExecutionFailed', data: { error: `The output expression failed: ${outcome.error.message}`, error_code: outcome.error.code, error_node_id: null } }
    : outcome.reference
      ? { type: 'ExecutionCompleted', data: { output: null, output_ref: outcome.reference } }
      : completed(outcome.output, workflow);

/** What an agent asks people about one of its calls. */
export const gateAbout = (
  { key, kind, name, arguments_sha256, rules }: CallGate,
  about: Pick<EventOf<'EffectUnknown'>['data'], 'node_id' | 'attempt' | 'gate_id'>,
  at: Instant,
): ExecutionEvent => {
  const call = { kind: 'tool' as const, name, ...(arguments_sha256 === undefined ? {} : { arguments_sha256 }) };
  const asked = rulesOf(gateConfig({ on_reject: 'branch', ...rules } as unknown as { readonly [member: string]: Json }), at);
  if (kind === 'effect') return { type: 'EffectUnknown', data: { ...about, key, prompt: asked.prompt, call } };
  return { type: kind === 'question' ? 'QuestionRequested' : 'ApprovalRequested', data: { ...about, key, call, ...asked } };
};

/** Seconds from now, with any fraction, become instants in whole milliseconds. */
const rulesOf = ({ expires_in_seconds, reminders_seconds, ...rules }: GateConfig, at: Instant): GateRules => ({
  ...rules,
  expires_at: expires_in_seconds === null ? null : at + Math.ceil(expires_in_seconds * 1000),
  reminders_at: reminders_seconds.map((seconds) => at + Math.ceil(seconds * 1000)),
});

const failed = (node: NodeId, attempt: number, error: { readonly code: string; readonly message: string }): ExecutionEvent => ({
  type: 'NodeFailed',
  data: { node_id: node, attempt, error: { ...error, retryable: false }, final: true, inline: true },
});

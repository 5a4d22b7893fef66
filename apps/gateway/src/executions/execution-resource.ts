import type { ExecutionResource, ExecutionView, GateResource, GateView, ReferenceResource, TemplateResource } from '@runlog/contract';
import { isTerminalStatus, openGatesOf } from '@runlog/read-model';
import { layoutTemplate, type Workflow } from '@runlog/workflow';
import type { Part } from '../dialects/dialect.js';
import { nodeArtifact } from './artifacts.js';
import { createdIn, durationsOf, utc, utcOrNull } from './execution-times.js';
import { tokenUsage, usd, usdOrNull } from './money.js';
import { statsOf } from './node-stats.js';
import type { Presentation } from './presentation.js';

/** A view as the canonical resource. Pure: dialects are functions of what comes out. `workflow` may be null when nothing of the template is asked for. */
export const executionResource = (view: ExecutionView, workflow: Workflow | null, how: Pick<Presentation, 'address' | 'zone' | 'parts' | 'now'>): ExecutionResource => {
  const url = `${how.address}/api/v1/executions/${view.id}`;
  const ended = isTerminalStatus(view.status);
  const { completed_actions_count: completed, failed_actions_count: failed, running_actions_count: running, stopped_actions_count: stopped } = view;
  const { created_at, created_at_string } = createdIn(view.created_at, how.zone);
  const { duration_ms, queued_ms, active_ms, suspended_ms } = durationsOf(view, how.now);
  const shown = (part: Part) => workflow !== null && how.parts.has(part);
  return {
    object: 'execution',
    id: view.id,
    hashid: view.hashid,
    key: view.key,
    name: view.name,
    version: view.version,
    workflow_id: view.workflow_id,
    workflow_version_id: view.workflow_version_id,
    agent_id: view.agent_id,
    agent_version_id: view.agent_version_id,
    deployment_id: view.deployment_id,
    step_key: view.step_key,
    output_schema_name: view.output_schema_name,
    template: shown('template') && workflow ? templateOf(workflow) : undefined,
    workspace_id: view.workspace_id,
    pod_id: view.pod_id,
    user_id: view.user_id,
    session_id: view.session_id,
    trigger: { kind: view.trigger.kind, id: view.trigger.id },
    parent_execution_id: view.parent_execution_id,
    root_execution_id: view.root_execution_id,
    batch_id: view.batch_id,
    retry_of: view.retry_of,
    replay_of: view.replay_of,
    retry_count: view.retry_count,
    status: view.status,
    is_terminal: ended,
    status_reason: view.status_reason,
    gates: openGatesOf(view).map(gateResource),
    error: view.error,
    error_code: view.error_code,
    error_node_id: view.error_node_id,
    input: view.input,
    payload: view.input,
    output: view.output,
    result: view.output,
    input_ref: referenceTo('input.json', view.input_ref),
    output_ref: referenceTo('output.json', view.output_ref),
    execution_data: shown('execution_data') ? outputsOf(view) : undefined,
    execution_data_refs: shown('execution_data') ? referencesOf(view) : undefined,
    metadata: view.metadata,
    tags: view.tags,
    queue_name: view.queue_name,
    concurrency_key: view.concurrency_key,
    priority: view.priority,
    run_timeout_seconds: view.run_timeout_seconds,
    assigned_to_worker: view.assigned_to_worker,
    actions_count: view.actions_count,
    completed_actions_count: completed,
    failed_actions_count: failed,
    idle_actions_count: view.actions_count - completed - failed - running - stopped,
    running_actions_count: running,
    stopped_actions_count: stopped,
    n_steps: view.n_steps,
    n_agent_actions: view.n_agent_actions,
    n_screenshots: view.n_screenshots,
    stats: shown('stats') && workflow ? statsOf(view, workflow, how.now) : undefined,
    token_usage: tokenUsage(view.token_usage),
    cost: usd(view.cost_nano_usd),
    cost_nano_usd: view.cost_nano_usd,
    cost_complete: view.cost_complete,
    budget_usd: usdOrNull(view.raised_budget_nano_usd ?? view.budget_nano_usd),
    created_at_utc: utc(view.created_at),
    created_at,
    created_at_string,
    started_at: utcOrNull(view.started_at),
    completed_at: utcOrNull(view.completed_at),
    cancel_requested_at: utcOrNull(view.cancel_requested_at),
    cancelled_at: utcOrNull(view.cancelled_at),
    cancelled_by: view.cancelled_by,
    duration_ms,
    queued_ms,
    active_ms,
    suspended_ms,
    logs_url: `${url}/logs`,
    output_url: view.status === 'completed' ? `${url}/artifacts/output.json` : null,
    video_url: null,
    trace_id: view.trace_id,
    log: { count: view.log_count, last_line: view.last_log_line, url: `${url}/logs` },
  };
};

const templates = new WeakMap<Workflow, TemplateResource>();

const templateOf = (workflow: Workflow): TemplateResource => {
  let template = templates.get(workflow);
  if (!template) templates.set(workflow, (template = layoutTemplate(workflow.definition) as TemplateResource));
  return template;
};

export const gateResource = ({ id, node_id, kind, prompt, schema, requested_at, expires_at, approvals_given, approvals_needed }: GateView): GateResource => ({
  id,
  node_id,
  kind,
  prompt,
  schema,
  requested_at: utc(requested_at),
  expires_at: utcOrNull(expires_at),
  approvals_given,
  approvals_needed,
});

const outputsOf = (view: ExecutionView): ExecutionResource['execution_data'] =>
  Object.fromEntries(Object.entries(view.nodes ?? {}).flatMap(([id, node]) => (node.status === 'completed' ? [[id, node.output]] : [])));

/** Outputs of nodes that are not above as they are stored elsewhere. */
const referencesOf = (view: ExecutionView): ExecutionResource['execution_data_refs'] =>
  Object.fromEntries(Object.values(view.nodes ?? {}).flatMap(({ node_id, output_ref }) => (output_ref ? [[node_id, { name: nodeArtifact(node_id), ...output_ref }]] : [])));

const referenceTo = (name: string, reference: ExecutionView['output_ref']): ReferenceResource | null => (reference ? { name, ...reference } : null);

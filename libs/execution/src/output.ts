import { validateJson, type Workflow } from '@runlog/workflow';
import type { ExecutionEvent } from './events.js';
import type { Execution } from './execution.js';
import type { Json } from './ids.js';

/** Completes with the outputs of the last nodes by id, or the value itself where the workflow has one last node. */
export const defaultOutput = (execution: Execution, workflow: Workflow): ExecutionEvent => {
  const outputs = Object.fromEntries(workflow.last.flatMap((id) => (execution.outputs.has(id) ? [[id, execution.outputs.get(id) ?? null]] : [])));
  return completed(defaultValue(outputs, workflow), workflow);
};

/** The same as a value, from the outputs of the last nodes that completed. */
export const defaultValue = (outputs: { readonly [node: string]: Json }, workflow: Workflow): Json => {
  const [only, ...others] = workflow.last;
  if (only === undefined) return null;
  const all = Object.fromEntries(workflow.last.flatMap((id) => (Object.hasOwn(outputs, id) ? [[id, outputs[id] ?? null]] : [])));
  return others.length === 0 ? (all[only] ?? null) : all;
};

/** Completes, or fails with `output_invalid` where the output breaks the workflow's output schema. */
export const completed = (output: Json, workflow: Workflow): ExecutionEvent => {
  const schema = workflow.settings.output_schema;
  const problems = schema === undefined ? [] : validateJson(schema, output);
  if (problems.length === 0) return { type: 'ExecutionCompleted', data: { output } };
  const list = problems.map(({ pointer, detail }) => `${pointer || '/'} ${detail}`).join('; ');
  return { type: 'ExecutionFailed', data: { error: `The output breaks the output schema: ${list.slice(0, 2_000)}`, error_code: 'output_invalid', error_node_id: null } };
};

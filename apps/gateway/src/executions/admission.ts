import type { CreatedData, Json } from '@runlog/execution';
import { ExpressionFailed, resolveTemplates, type WorkflowSettings } from '@runlog/workflow';
import { invalid } from '../http/problem.js';
import type { CreateExecutionBody } from './create.dto.js';

/** Where executions go that name a concurrency key and no queue. */
const DEFAULT_QUEUE = 'default';
const LONGEST_KEY = 255;

type Admission = Pick<CreatedData, 'queue_name' | 'concurrency_key' | 'priority' | 'queue_ttl_seconds' | 'admission_error'>;

interface Scope {
  readonly input: Json;
  readonly execution: { readonly id: string; readonly key: string; readonly metadata: { [key: string]: Json } };
  readonly at: number;
  readonly commandId: string;
}

/**
 * Which queue a create goes to and under which key: its own values win over the workflow's. Both may hold an expression over input and
 * execution. One of the body that has no value is the caller's mistake (422); one of the workflow fails the execution.
 */
export const admissionOf = async (body: Pick<CreateExecutionBody, 'queue_name' | 'concurrency_key' | 'priority'>, settings: WorkflowSettings, scope: Scope): Promise<Admission> => {
  const isOwn = body.concurrency_key != null;
  const key = await keyOf(body.concurrency_key ?? settings.concurrency_key, scope);
  if (isOwn && key.problem !== undefined) throw invalid([{ pointer: '/concurrency_key', detail: key.problem }], 'invalid_concurrency_key');
  return {
    queue_name: body.queue_name ?? settings.queue_name ?? (key.value === null && key.problem === undefined ? null : DEFAULT_QUEUE),
    concurrency_key: key.value,
    priority: body.priority ?? Math.round(settings.priority ?? 0),
    ...(settings.queue_ttl_seconds === undefined ? {} : { queue_ttl_seconds: settings.queue_ttl_seconds }),
    ...(key.problem === undefined ? {} : { admission_error: `its concurrency key can't be told: ${key.problem}` }),
  };
};

const keyOf = async (text: string | undefined, { input, execution, at, commandId }: Scope): Promise<{ readonly value: string | null; readonly problem?: string }> => {
  if (text === undefined) return { value: null };
  try {
    const resolved = await resolveTemplates(text, { input, nodes: {}, execution }, { at, commandId });
    const value = resolved === null || resolved === '' ? null : typeof resolved === 'string' ? resolved : JSON.stringify(resolved);
    if (value === null || value.length <= LONGEST_KEY) return { value };
    return { value: null, problem: `Expected at most ${LONGEST_KEY} characters, but it has ${value.length}` };
  } catch (error) {
    if (!(error instanceof ExpressionFailed)) throw error;
    return { value: null, problem: error.message };
  }
};

import type { CommandOf, CreatedData, Json } from '@runlog/execution';
import type { Catalog } from '@runlog/read-model';
import { actorOf, type Principal } from '../auth/principal.js';
import type { ActIds } from '../idempotency.js';
import { admissionOf } from './admission.js';
import type { CreateExecutionBody } from './create.dto.js';
import type { Latest } from './pinned-workflows.js';

const GRACE_S = 10;

const nanoUsd = (usd: number | undefined): string | null => (usd === undefined ? null : String(Math.round(usd * 1e9)));

interface Naming {
  readonly executionId: string;
  readonly commandId: string;
  readonly runNumber: number;
  readonly hashid: string;
  readonly at: number;
  readonly batchId?: string;
}

interface Asked {
  readonly who: Principal;
  readonly latest: Latest;
  readonly body: CreateExecutionBody;
  readonly ids: Pick<ActIds, 'executionId' | 'commandId'>;
  readonly traceparent: string;
  readonly batchId?: string;
}

/** The command of a create, with numbers drawn for it. */
export const createCommand = async (catalog: Catalog, { who, latest, body, ids, traceparent, batchId }: Asked): Promise<CommandOf<'CreateExecution'>> => {
  const { executionId, commandId } = ids;
  const [runNumber, hashid] = await Promise.all([catalog.takeRunNumber(latest.workflowId), catalog.takeHashid(who.workspaceId)]);
  const at = Date.now();
  const created = await createdData(who, latest, body, { executionId, commandId, runNumber, hashid, at, ...(batchId === undefined ? {} : { batchId }) });
  return { type: 'CreateExecution', id: commandId, executionId, workspaceId: who.workspaceId, at, traceparent, created };
};

/** What a create settles for ever: the body's own values win over the workflow's settings. */
const createdData = async (who: Principal, { workflowId, pinned, workflow, agent }: Latest, body: CreateExecutionBody, naming: Naming): Promise<CreatedData> => {
  const { definition } = pinned;
  const { settings } = workflow;
  const key = `${definition.key}_${naming.runNumber}`;
  const input = (body.input ?? {}) as Json;
  const metadata = body.metadata ?? {};
  return {
    workflow_id: workflowId,
    workflow_version_id: pinned.versionId,
    agent_id: agent?.agent_id ?? null,
    agent_version_id: agent?.agent_version_id ?? null,
    deployment_id: null,
    step_key: body.step_key ?? null,
    output_schema_name: body.output_schema_name ?? null,
    pod_id: who.createPodId,
    user_id: who.userId,
    session_id: body.session_id ?? null,
    created_by: actorOf(who),
    trigger: { kind: 'api', id: null },
    hashid: naming.hashid,
    key,
    name: `${definition.name} ${naming.runNumber}`,
    run_number: naming.runNumber,
    input,
    metadata,
    tags: body.tags ?? [],
    ...(await admissionOf(body, settings, { input, execution: { id: naming.executionId, key, metadata }, at: naming.at, commandId: naming.commandId })),
    run_timeout_seconds: body.run_timeout_seconds ?? settings.run_timeout_seconds ?? null,
    timeout_includes_suspended: settings.timeout_includes_suspended ?? false,
    cancel_grace_seconds: settings.cancel_grace_seconds ?? GRACE_S,
    budget_nano_usd: nanoUsd(body.budget_usd ?? settings.budget_usd ?? agent?.limits.budget_usd),
    parent_execution_id: null,
    root_execution_id: null,
    batch_id: naming.batchId ?? null,
    retry_of: null,
    replay_of: null,
    retry_count: 0,
    actions_count: workflow.nodes.size,
  };
};

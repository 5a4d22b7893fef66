import type { WorkflowResource, WorkflowVersionResource } from '@runlog/contract';
import type { Workflow, WorkflowVersion } from '@runlog/read-model';
import { utc } from '../executions/execution-times.js';

type Definition = WorkflowResource['definition'];

/** A workflow with its latest version. */
export const workflowResource = (workflow: Workflow, latest: WorkflowVersion): WorkflowResource => ({
  object: 'workflow',
  id: workflow.id,
  key: workflow.key,
  name: workflow.name,
  description: latest.definition.description ?? null,
  workspace_id: workflow.workspaceId,
  version: latest.number,
  workflow_version_id: latest.id,
  definition: latest.definition as unknown as Definition,
  created_at: utc(workflow.createdAt),
  updated_at: utc(workflow.updatedAt),
});

/** One published version. */
export const versionResource = (version: WorkflowVersion): WorkflowVersionResource => ({
  object: 'workflow_version',
  id: version.id,
  workflow_id: version.workflowId,
  version: version.number,
  definition: version.definition as unknown as Definition,
  agents: version.agents ?? {},
  created_at: utc(version.createdAt),
  created_by: version.createdBy,
});

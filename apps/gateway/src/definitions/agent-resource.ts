import type { AgentResource, AgentVersionResource } from '@runlog/contract';
import type { Agent, AgentVersion } from '@runlog/read-model';
import { utc } from '../executions/execution-times.js';

type Definition = AgentResource['definition'];

/** An agent with its latest version. */
export const agentResource = (agent: Agent, latest: AgentVersion): AgentResource => ({
  object: 'agent',
  id: agent.id,
  key: agent.key,
  name: agent.name,
  description: latest.definition.description ?? null,
  workspace_id: agent.workspaceId,
  workflow_id: agent.workflowId,
  version: latest.number,
  agent_version_id: latest.id,
  definition: latest.definition as unknown as Definition,
  created_at: utc(agent.createdAt),
  updated_at: utc(agent.updatedAt),
});

/** One published version. */
export const agentVersionResource = (version: AgentVersion): AgentVersionResource => ({
  object: 'agent_version',
  id: version.id,
  agent_id: version.agentId,
  workflow_version_id: version.workflowVersionId,
  version: version.number,
  definition: version.definition as unknown as Definition,
  created_at: utc(version.createdAt),
  created_by: version.createdBy,
});

import { type AgentDefinition, START, type WorkflowDefinition } from '@runlog/workflow';
import type { EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { digestOf } from '../canonical-json.js';
import type { Database } from '../database.js';
import { Agent, AgentVersion, Workflow } from './entities.js';
import { insertVersion, versionOf } from './workflows.js';

/** The node of an agent's own workflow. */
const NODE = 'agent';

export interface PublishingAgent {
  readonly workspaceId: string;
  readonly definition: AgentDefinition;
  readonly by: string | null;
  readonly at: number;
}

/** `taken`: the workflow that has the key already; it is the agent's own where there is such an agent. */
export type AgentCreated = { readonly agent: Agent; readonly version: AgentVersion } | { readonly taken: Workflow };

/** The one-node workflow that an agent's executions are of. */
const workflowOf = (agentId: string, { key, name, description, input_schema }: AgentDefinition): WorkflowDefinition => ({
  key,
  name,
  ...(description === undefined ? {} : { description }),
  ...(input_schema === undefined ? {} : { input_schema }),
  nodes: [{ id: NODE, type: 'agent', name, config: { agent: agentId, input: '{{ input }}' } }],
  edges: [{ from: START, to: NODE }],
});

/** Version `number` of an agent and of its workflow: they are counted alike. */
const publish = async (entities: EntityManager, { workspaceId, definition, by, at }: PublishingAgent, agent: Pick<Agent, 'id' | 'workflowId'>, number: number) => {
  const id = uuidv7();
  const workflowVersion = versionOf({ workspaceId, definition: workflowOf(agent.id, definition), agents: { [NODE]: id }, by, at }, agent.workflowId, number);
  await insertVersion(entities, workflowVersion);
  const version = Object.assign(new AgentVersion(), {
    id,
    agentId: agent.id,
    workspaceId,
    workflowVersionId: workflowVersion.id,
    number,
    definition,
    digest: digestOf(definition),
    createdBy: by,
    createdAt: at,
  });
  await entities.query(
    'insert into agent_versions (id, agent_id, workspace_id, workflow_version_id, number, definition, digest, created_by, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
    [id, agent.id, workspaceId, workflowVersion.id, number, JSON.stringify(definition), version.digest, by, at],
  );
  return version;
};

export const createAgent = ({ dataSource }: Database, publishing: PublishingAgent): Promise<AgentCreated> =>
  dataSource.transaction(async (entities) => {
    const { workspaceId, at } = publishing;
    const { key, name } = publishing.definition;
    const id = uuidv7();
    const workflow = Object.assign(new Workflow(), { id: uuidv7(), workspaceId, key, name, currentVersion: 1, createdAt: at, updatedAt: at, agentId: id });
    const inserted = await entities.createQueryBuilder().insert().into(Workflow).values(workflow).orIgnore().returning('id').execute();
    if ((inserted.raw as unknown[]).length === 0) return { taken: await entities.findOneByOrFail(Workflow, { workspaceId, key }) };
    const agent = Object.assign(new Agent(), { id, workspaceId, workflowId: workflow.id, key, name, currentVersion: 1, createdAt: at, updatedAt: at });
    await entities.insert(Agent, agent);
    return { agent, version: await publish(entities, publishing, agent, 1) };
  });

/** `published` false: the definition is the current version's, which is returned. null: no such agent. */
export const publishAgentVersion = (
  { dataSource }: Database,
  agentId: string,
  publishing: PublishingAgent,
): Promise<{ published: boolean; agent: Agent; version: AgentVersion } | null> =>
  dataSource.transaction(async (entities) => {
    const { workspaceId, definition, at } = publishing;
    const agent = await entities.findOne(Agent, { where: { id: agentId, workspaceId }, lock: { mode: 'pessimistic_write' } });
    if (!agent) return null;
    const current = await entities.findOneByOrFail(AgentVersion, { agentId, number: agent.currentVersion });
    if (current.digest === digestOf(definition)) return { published: false, agent, version: current };
    const version = await publish(entities, publishing, agent, agent.currentVersion + 1);
    const changed = { currentVersion: version.number, name: definition.name, updatedAt: at };
    await entities.update(Agent, { id: agentId }, changed);
    await entities.update(Workflow, { id: agent.workflowId }, changed);
    return { published: true, agent: Object.assign(agent, changed), version };
  });

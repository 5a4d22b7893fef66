import type { WorkflowDefinition } from '@runlog/workflow';
import type { EntityManager } from 'typeorm';
import { uuidv7 } from 'uuidv7';
import { digestOf } from '../canonical-json.js';
import type { Database } from '../database.js';
import { Workflow, WorkflowVersion } from './entities.js';

export interface Publishing {
  readonly workspaceId: string;
  readonly definition: WorkflowDefinition;
  /** Ids of the agents' versions that it pins, by node. */
  readonly agents?: { readonly [node: string]: string };
  /** Who publishes; absent: the installation itself. */
  readonly by?: string | null;
  readonly at: number;
}

/** `created` false: a workflow with this key was there already. */
export interface WorkflowCreated {
  readonly created: boolean;
  readonly workflow: Workflow;
  readonly version: WorkflowVersion;
}

export const versionOf = (publishing: Publishing, workflowId: string, number: number): WorkflowVersion => {
  const { workspaceId, definition, agents = null, by, at } = publishing;
  return Object.assign(new WorkflowVersion(), {
    id: uuidv7(),
    workflowId,
    workspaceId,
    number,
    definition,
    agents,
    digest: digestIn(publishing),
    createdBy: by ?? null,
    createdAt: at,
  });
};

const digestIn = ({ definition, agents }: Publishing): string => digestOf(agents ? { definition, agents } : definition);

export const insertVersion = (entities: EntityManager, version: WorkflowVersion): Promise<unknown> =>
  entities.query(
    'insert into workflow_versions (id, workflow_id, workspace_id, number, definition, agents, digest, created_by, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
    [
      version.id,
      version.workflowId,
      version.workspaceId,
      version.number,
      JSON.stringify(version.definition),
      version.agents && JSON.stringify(version.agents),
      version.digest,
      version.createdBy,
      version.createdAt,
    ],
  );

export const createWorkflow = ({ dataSource }: Database, publishing: Publishing): Promise<WorkflowCreated> =>
  dataSource.transaction(async (entities) => {
    const { workspaceId, definition, at } = publishing;
    const workflow = Object.assign(new Workflow(), {
      id: uuidv7(),
      workspaceId,
      key: definition.key,
      name: definition.name,
      currentVersion: 1,
      createdAt: at,
      updatedAt: at,
      agentId: null,
    });
    const inserted = await entities.createQueryBuilder().insert().into(Workflow).values(workflow).orIgnore().returning('id').execute();
    if ((inserted.raw as unknown[]).length === 0) {
      const existing = await entities.findOneByOrFail(Workflow, { workspaceId, key: definition.key });
      return { created: false, workflow: existing, version: await entities.findOneByOrFail(WorkflowVersion, { workflowId: existing.id, number: existing.currentVersion }) };
    }
    const version = versionOf(publishing, workflow.id, 1);
    await insertVersion(entities, version);
    return { created: true, workflow, version };
  });

/** `published` false: the definition is the current version's, which is returned. null: no such workflow. */
export const publishVersion = (
  { dataSource }: Database,
  workflowId: string,
  publishing: Publishing,
): Promise<{ published: boolean; workflow: Workflow; version: WorkflowVersion } | null> =>
  dataSource.transaction(async (entities) => {
    const { workspaceId, definition, at } = publishing;
    const workflow = await entities.findOne(Workflow, { where: { id: workflowId, workspaceId }, lock: { mode: 'pessimistic_write' } });
    if (!workflow) return null;
    const current = await entities.findOneByOrFail(WorkflowVersion, { workflowId, number: workflow.currentVersion });
    if (current.digest === digestIn(publishing)) return { published: false, workflow, version: current };
    const version = versionOf(publishing, workflowId, workflow.currentVersion + 1);
    await insertVersion(entities, version);
    Object.assign(workflow, { currentVersion: version.number, name: definition.name, updatedAt: at });
    await entities.update(Workflow, { id: workflowId }, { currentVersion: version.number, name: definition.name, updatedAt: at });
    return { published: true, workflow, version };
  });

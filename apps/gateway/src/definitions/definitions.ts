import type { ListResource, WorkflowResource, WorkflowVersionResource } from '@runlog/contract';
import type { PriceList } from '@runlog/cost';
import type { Catalog, Publishing, Workflow } from '@runlog/read-model';
import { validateDefinition, type WorkflowDefinition } from '@runlog/workflow';
import { actorOf, type Principal } from '../auth/principal.js';
import type { PageQuery } from '../executions/list.dto.js';
import { type PinnedWorkflows, versionRef, workflowRef } from '../executions/pinned-workflows.js';
import { Answer } from '../http/answer.js';
import { pageOf } from '../http/pages.js';
import { invalid, Problem, type ProblemPointer, unknown } from '../http/problem.js';
import { catalogPage } from './catalog-page.js';
import { checkOwnKey, keyTaken } from './keys.js';
import { pinsOf } from './pins.js';
import { versionResource, workflowResource } from './workflow-resource.js';

/** Workflows and their published versions, which never change. */
export class Definitions {
  constructor(
    private readonly catalog: Catalog,
    private readonly pinned: PinnedWorkflows,
    private readonly prices: PriceList,
  ) {}

  /** 201 with version 1; 409 when the key is taken. */
  async create(who: Principal, body: unknown): Promise<Answer> {
    const publishing = await this.publishing(who, checked(body));
    const { created, workflow, version } = await this.catalog.createWorkflow(publishing);
    if (!created) throw keyTaken('workflow', workflow);
    this.pinned.forgetLatest();
    return new Answer(201, workflowResource(workflow, version), { Location: `/api/v1/workflows/${workflow.id}` });
  }

  /** 201 with the next version; 200 when the definition is the latest version's already. */
  async publish(who: Principal, ref: string, body: unknown): Promise<Answer> {
    const workflow = await this.find(who, ref);
    if (workflow.agentId !== null)
      throw new Problem('conflict', 'workflow_of_agent', `Expected a workflow of its own, but '${ref}' is that of an agent; publish a version of the agent instead`, {
        state: { agent_id: workflow.agentId },
      });
    const definition = checked(body);
    checkOwnKey('workflow', workflow.key, definition.key);
    const published = await this.catalog.publishVersion(workflow.id, await this.publishing(who, definition));
    if (!published) throw unknown('workflow', ref);
    this.pinned.forgetLatest();
    return new Answer(published.published ? 201 : 200, versionResource(published.version), { Location: `/api/v1/workflows/${workflow.id}` });
  }

  async validate(who: Principal, body: unknown): Promise<{ valid: boolean; errors: readonly ProblemPointer[] }> {
    const result = validateDefinition(body);
    const checked = 'problems' in result ? result : await pinsOf(this.catalog, this.prices, who.workspaceId, result.definition);
    return 'problems' in checked ? { valid: false, errors: checked.problems } : { valid: true, errors: [] };
  }

  private async publishing(who: Principal, definition: WorkflowDefinition): Promise<Publishing> {
    const pins = await pinsOf(this.catalog, this.prices, who.workspaceId, definition);
    if ('problems' in pins) throw invalid(pins.problems, 'invalid_definition');
    return { workspaceId: who.workspaceId, definition, ...pins, by: actorOf(who), at: Date.now() };
  }

  async get(who: Principal, ref: string): Promise<WorkflowResource> {
    return this.resource(await this.find(who, ref));
  }

  list(who: Principal, query: PageQuery): Promise<ListResource<WorkflowResource>> {
    return catalogPage(
      query,
      (page) => this.catalog.workflows(who.workspaceId, page),
      (workflow) => this.resource(workflow),
    );
  }

  async versions(who: Principal, ref: string, query: PageQuery): Promise<ListResource<WorkflowVersionResource>> {
    const workflow = await this.find(who, ref);
    return pageOf((await this.catalog.workflowVersions(who.workspaceId, workflow.id)).map(versionResource), query);
  }

  /** By number or id. */
  async version(who: Principal, ref: string, version: string): Promise<WorkflowVersionResource> {
    const workflow = await this.find(who, ref);
    const known = versionRef(version);
    const number = typeof known === 'string' ? await this.catalog.workflowVersion(known).then((found) => (found?.workflowId === workflow.id ? found.number : null)) : known;
    const found = number && (await this.catalog.workflowVersionByNumber(who.workspaceId, workflow.id, number));
    if (!found) throw unknown('workflow version', version);
    return versionResource(found);
  }

  private async resource(workflow: Workflow): Promise<WorkflowResource> {
    const version = await this.catalog.workflowVersionByNumber(workflow.workspaceId, workflow.id, workflow.currentVersion);
    if (!version) throw new Error(`Expected version ${workflow.currentVersion} of workflow '${workflow.id}', but it is not there`);
    return workflowResource(workflow, version);
  }

  private async find(who: Principal, ref: string): Promise<Workflow> {
    const known = workflowRef(ref);
    const workflow = known === null ? null : await this.catalog.workflow(who.workspaceId, known);
    if (!workflow) throw unknown('workflow', ref);
    return workflow;
  }
}

const checked = (body: unknown): WorkflowDefinition => {
  const result = validateDefinition(body);
  if ('problems' in result) throw invalid(result.problems, 'invalid_definition');
  return result.definition;
};

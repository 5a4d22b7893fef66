import type { ListResource, WorkflowResource, WorkflowVersionResource } from '@runlog/contract';
import type { Catalog, Workflow } from '@runlog/read-model';
import { validateDefinition, type WorkflowDefinition } from '@runlog/workflow';
import { actorOf, type Principal } from '../auth/principal.js';
import type { PageQuery } from '../executions/list.dto.js';
import { type PinnedWorkflows, workflowRef } from '../executions/pinned-workflows.js';
import { Answer } from '../http/answer.js';
import { cursorOf, placeIn } from '../http/cursor.js';
import { pageOf } from '../http/pages.js';
import { invalid, Problem, type ProblemPointer, unknown } from '../http/problem.js';
import { isUuid, uuidOfKsuid } from '../ids.js';
import { versionResource, workflowResource } from './workflow-resource.js';

const ORDER = '-created_at';

/** Workflows and their published versions, which never change. */
export class Definitions {
  constructor(
    private readonly catalog: Catalog,
    private readonly pinned: PinnedWorkflows,
  ) {}

  /** 201 with version 1; 409 when the key is taken. */
  async create(who: Principal, body: unknown): Promise<Answer> {
    const definition = checked(body);
    const { created, workflow, version } = await this.catalog.createWorkflow({ workspaceId: who.workspaceId, definition, by: actorOf(who), at: Date.now() });
    if (!created)
      throw new Problem('conflict', 'workflow_exists', `Expected to create workflow '${definition.key}', but there is one with this key; publish a version of it instead`, {
        state: { id: workflow.id, key: workflow.key, version: workflow.currentVersion },
      });
    this.pinned.forgetLatest();
    return new Answer(201, workflowResource(workflow, version), { Location: `/api/v1/workflows/${workflow.id}` });
  }

  /** 201 with the next version; 200 when the definition is the latest version's already. */
  async publish(who: Principal, ref: string, body: unknown): Promise<Answer> {
    const workflow = await this.find(who, ref);
    const definition = checked(body);
    if (definition.key !== workflow.key) throw invalid([{ pointer: '/key', detail: `Expected the workflow's own key '${workflow.key}', but got '${definition.key}'` }]);
    const published = await this.catalog.publishVersion(workflow.id, { workspaceId: who.workspaceId, definition, by: actorOf(who), at: Date.now() });
    if (!published) throw unknown('workflow', ref);
    this.pinned.forgetLatest();
    return new Answer(published.published ? 201 : 200, versionResource(published.version), { Location: `/api/v1/workflows/${workflow.id}` });
  }

  validate(body: unknown): { valid: boolean; errors: readonly ProblemPointer[] } {
    const result = validateDefinition(body);
    return 'problems' in result ? { valid: false, errors: result.problems } : { valid: true, errors: [] };
  }

  async get(who: Principal, ref: string): Promise<WorkflowResource> {
    return this.resource(await this.find(who, ref));
  }

  async list(who: Principal, { limit = 50, after, before }: PageQuery): Promise<ListResource<WorkflowResource>> {
    const placed = (cursor: string | undefined, name: 'after' | 'before') => {
      if (cursor === undefined) return {};
      const { value, id } = placeIn(cursor, ORDER, name);
      return { [name]: { createdAt: Number(value), id } };
    };
    const found = await this.catalog.workflows(who.workspaceId, { limit: limit + 1, ...placed(after, 'after'), ...(after === undefined ? placed(before, 'before') : {}) });
    const backwards = after === undefined && before !== undefined;
    const rows = backwards ? found.slice(-limit) : found.slice(0, limit);
    const beyond = found.length > limit;
    const edge = (row: Workflow | undefined) => (row ? cursorOf(ORDER, { value: row.createdAt, id: row.id }) : null);
    const more = rows.length > 0 && (backwards || beyond);
    return {
      object: 'list',
      data: await Promise.all(rows.map((row) => this.resource(row))),
      has_more: more,
      next_cursor: more ? edge(rows.at(-1)) : null,
      prev_cursor: (backwards ? beyond : after !== undefined) ? edge(rows[0]) : null,
    };
  }

  async versions(who: Principal, ref: string, query: PageQuery): Promise<ListResource<WorkflowVersionResource>> {
    const workflow = await this.find(who, ref);
    return pageOf((await this.catalog.workflowVersions(who.workspaceId, workflow.id)).map(versionResource), query);
  }

  /** By number or id. */
  async version(who: Principal, ref: string, version: string): Promise<WorkflowVersionResource> {
    const workflow = await this.find(who, ref);
    const id = isUuid(version) ? version.toLowerCase() : uuidOfKsuid(version);
    const number = /^[1-9]\d{0,8}$/.test(version)
      ? Number(version)
      : id && (await this.catalog.workflowVersion(id).then((found) => (found?.workflowId === workflow.id ? found.number : null)));
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

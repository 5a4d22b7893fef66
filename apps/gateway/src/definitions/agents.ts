import type { AgentResource, AgentVersionResource, ListResource } from '@runlog/contract';
import type { PriceList } from '@runlog/cost';
import type { Agent, Catalog } from '@runlog/read-model';
import { type AgentDefinition, validateAgent } from '@runlog/workflow';
import { actorOf, type Principal } from '../auth/principal.js';
import type { PageQuery } from '../executions/list.dto.js';
import { type PinnedWorkflows, versionRef, workflowRef } from '../executions/pinned-workflows.js';
import { Answer } from '../http/answer.js';
import { pageOf } from '../http/pages.js';
import { invalid, type ProblemPointer, unknown } from '../http/problem.js';
import { agentResource, agentVersionResource } from './agent-resource.js';
import { catalogPage } from './catalog-page.js';
import { checkOwnKey, keyTaken } from './keys.js';
import { priceExpected, unpriced } from './pins.js';

/** Agents and their published versions, which never change. */
export class Agents {
  constructor(
    private readonly catalog: Catalog,
    private readonly pinned: PinnedWorkflows,
    private readonly prices: PriceList,
  ) {}

  /** 201 with version 1; 409 when the key is taken, by an agent or a workflow. */
  async create(who: Principal, body: unknown): Promise<Answer> {
    const definition = this.checked(body);
    const created = await this.catalog.createAgent({ workspaceId: who.workspaceId, definition, by: actorOf(who), at: Date.now() });
    if ('taken' in created) throw keyTaken('agent', created.taken);
    this.pinned.forgetLatest();
    return new Answer(201, agentResource(created.agent, created.version), { Location: `/api/v1/agents/${created.agent.id}` });
  }

  /** 201 with the next version; 200 when the definition is the latest version's already. */
  async publish(who: Principal, ref: string, body: unknown): Promise<Answer> {
    const agent = await this.find(who, ref);
    const definition = this.checked(body);
    checkOwnKey('agent', agent.key, definition.key);
    const published = await this.catalog.publishAgentVersion(agent.id, { workspaceId: who.workspaceId, definition, by: actorOf(who), at: Date.now() });
    if (!published) throw unknown('agent', ref);
    this.pinned.forgetLatest();
    return new Answer(published.published ? 201 : 200, agentVersionResource(published.version), { Location: `/api/v1/agents/${agent.id}` });
  }

  validate(body: unknown): { valid: boolean; errors: readonly ProblemPointer[] } {
    const result = validateAgent(body);
    const errors = 'problems' in result ? result.problems : this.priceProblems(result.definition);
    return { valid: errors.length === 0, errors };
  }

  async get(who: Principal, ref: string): Promise<AgentResource> {
    return this.resource(await this.find(who, ref));
  }

  list(who: Principal, query: PageQuery): Promise<ListResource<AgentResource>> {
    return catalogPage(
      query,
      (page) => this.catalog.agents(who.workspaceId, page),
      (agent) => this.resource(agent),
    );
  }

  async versions(who: Principal, ref: string, query: PageQuery): Promise<ListResource<AgentVersionResource>> {
    const agent = await this.find(who, ref);
    return pageOf((await this.catalog.agentVersions(who.workspaceId, agent.id)).map(agentVersionResource), query);
  }

  /** By number or id. */
  async version(who: Principal, ref: string, version: string): Promise<AgentVersionResource> {
    const agent = await this.find(who, ref);
    const known = versionRef(version);
    const found = known === null ? null : await this.catalog.agentVersion(who.workspaceId, agent.id, known);
    if (!found) throw unknown('agent version', version);
    return agentVersionResource(found);
  }

  private async resource(agent: Agent): Promise<AgentResource> {
    const version = await this.catalog.agentVersion(agent.workspaceId, agent.id, agent.currentVersion);
    if (!version) throw new Error(`Expected version ${agent.currentVersion} of agent '${agent.id}', but it is not there`);
    return agentResource(agent, version);
  }

  private async find(who: Principal, ref: string): Promise<Agent> {
    const known = workflowRef(ref);
    const agent = known === null ? null : await this.catalog.agent(who.workspaceId, known);
    if (!agent) throw unknown('agent', ref);
    return agent;
  }

  private checked(body: unknown): AgentDefinition {
    const result = validateAgent(body);
    if ('problems' in result) throw invalid(result.problems, 'invalid_definition');
    const problems = this.priceProblems(result.definition);
    if (problems.length > 0) throw invalid(problems, 'price_unknown');
    return result.definition;
  }

  private priceProblems(definition: AgentDefinition): ProblemPointer[] {
    if (definition.limits.budget_usd === undefined) return [];
    return unpriced(this.prices, definition, new Date()).map(([pointer, model]) => ({ pointer, detail: priceExpected(model, 'limits.budget_usd') }));
  }
}

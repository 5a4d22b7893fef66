import type { Json, PinnedAgents, WorkflowDefinition } from '@runlog/workflow';
import { type EntityTarget, In, type ObjectLiteral } from 'typeorm';
import { createAgent, type PublishingAgent, publishAgentVersion } from './catalog/agents.js';
import { type BudgetSetting, budgetOf, putBudget, removeBudget } from './catalog/budgets.js';
import { Agent, AgentVersion, ApiKey, Pod, Secret, Workflow, WorkflowVersion, Workspace } from './catalog/entities.js';
import { abandonIdempotent, beginIdempotent, findIdempotent, finishIdempotent, forgetIdempotent } from './catalog/idempotency.js';
import { Blocks, drawHashids, drawRunNumbers } from './catalog/numbers.js';
import { type AuditEntry, type AuditFilter, auditOf, createUser, recordAudit, removeUser, userOf, usersOf } from './catalog/people.js';
import { putQueue, queueChanges, queueHolders, queueNamed, queuesOf, waitsUntil } from './catalog/queues.js';
import { createApiKey, createWorkspace, insertPod, type NewApiKey, principalByHash, seedDefaults } from './catalog/tenancy.js';
import { createWorkflow, type Publishing, publishVersion } from './catalog/workflows.js';
import type { Database } from './database.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const CACHED_VERSIONS = 1_000;

/** A published definition as every station pins and caches it. */
export interface PinnedVersion {
  readonly versionId: string;
  readonly workflowId: string;
  readonly workspaceId: string;
  readonly number: number;
  readonly definition: WorkflowDefinition;
  readonly agents: PinnedAgents;
}

/** A page by (created_at, id): `after` and `before` are ends of the neighbouring pages. */
interface CatalogPage {
  readonly limit: number;
  readonly after?: { readonly createdAt: number; readonly id: string };
  readonly before?: { readonly createdAt: number; readonly id: string };
}

/** Everything that is not folded from the log: tenants, keys, definitions, secrets, idempotency. Each method takes the workspace it acts in. */
export class Catalog {
  readonly #versions = new Map<string, Promise<PinnedVersion | null>>();
  readonly #runs: Blocks<number>;
  readonly #hashids: Blocks<string>;

  constructor(readonly database: Database) {
    this.#runs = new Blocks((workflowId, n) => this.nextRunNumbers(workflowId, n));
    this.#hashids = new Blocks((workspaceId, n) => this.nextHashids(workspaceId, n));
  }

  seedDefaults = (at: number = Date.now()) => seedDefaults(this.database, at);

  /** By id or slug. */
  workspace(ref: string): Promise<Workspace | null> {
    return this.database.dataSource.getRepository(Workspace).findOneBy(UUID.test(ref) ? { id: ref } : { slug: ref });
  }

  /** By id or slug. */
  pod(workspaceId: string, ref: string): Promise<Pod | null> {
    return this.database.dataSource.getRepository(Pod).findOneBy(UUID.test(ref) ? { id: ref, workspaceId } : { slug: ref, workspaceId });
  }

  pods(workspaceId: string): Promise<Pod[]> {
    return this.database.dataSource.getRepository(Pod).find({ where: { workspaceId }, order: { slug: 'ASC' } });
  }

  /** `hash`: `hashApiKey(key)`. null: no such key, or revoked. */
  apiKeyByHash = (hash: string) => principalByHash(this.database, hash);
  createApiKey = (given: NewApiKey) => createApiKey(this.database, given);

  apiKeys(workspaceId: string): Promise<ApiKey[]> {
    return this.database.dataSource.getRepository(ApiKey).find({ where: { workspaceId }, order: { createdAt: 'ASC' } });
  }

  /** False: no such key. */
  async revokeApiKey(workspaceId: string, id: string, at: number): Promise<boolean> {
    const rows = await this.database.query('update api_keys set revoked_at = coalesce(revoked_at, $3) where workspace_id = $1 and id = $2 returning 1', [workspaceId, id, at]);
    return rows.length > 0;
  }

  /** null: the slug is taken. */
  createWorkspace = (given: { slug: string; name: string; timezone: string }, at: number) => createWorkspace(this.database, given, at);
  createPod = (workspaceId: string, given: { slug: string; name: string }, at: number) => insertPod(this.database, workspaceId, given, at);

  /** null: the address is taken. */
  createUser = (workspaceId: string, given: { email: string; name: string }, at: number) => createUser(this.database, workspaceId, given, at);
  user = (workspaceId: string, id: string) => userOf(this.database, workspaceId, id);
  users = (workspaceId: string) => usersOf(this.database, workspaceId);
  /** Its keys are revoked with it. False: there is none. */
  removeUser = (workspaceId: string, id: string, at: number) => removeUser(this.database, workspaceId, id, at);

  recordAudit = (entry: Omit<AuditEntry, 'id'>) => recordAudit(this.database, entry);
  audit = (filter: AuditFilter) => auditOf(this.database, filter);

  createWorkflow = (publishing: Publishing) => createWorkflow(this.database, publishing);
  publishVersion = (workflowId: string, publishing: Publishing) => publishVersion(this.database, workflowId, publishing);

  /** By id or key. */
  workflow(workspaceId: string, ref: string): Promise<Workflow | null> {
    return this.database.dataSource.getRepository(Workflow).findOneBy(UUID.test(ref) ? { id: ref, workspaceId } : { key: ref, workspaceId });
  }

  /** Newest first, without those of agents; ask for one more than a page to know whether more follow. */
  workflows = (workspaceId: string, page: CatalogPage): Promise<Workflow[]> => this.#page(Workflow, 'w.workspace_id = :workspaceId and w.agent_id is null', workspaceId, page);

  /** Newest first. */
  workflowVersions(workspaceId: string, workflowId: string): Promise<WorkflowVersion[]> {
    return this.database.dataSource.getRepository(WorkflowVersion).find({ where: { workspaceId, workflowId }, order: { number: 'DESC' } });
  }

  workflowVersionByNumber(workspaceId: string, workflowId: string, number: number): Promise<WorkflowVersion | null> {
    return this.database.dataSource.getRepository(WorkflowVersion).findOneBy({ workspaceId, workflowId, number });
  }

  /** Cached for good, because a published version never changes; null (not cached): unknown. */
  workflowVersion(versionId: string): Promise<PinnedVersion | null> {
    const cached = this.#versions.get(versionId);
    if (cached) return cached;
    const loading = this.#loadVersion(versionId);
    this.#versions.set(versionId, loading);
    const forget = (): unknown => this.#versions.delete(versionId);
    loading.then((found) => found ?? forget(), forget);
    if (this.#versions.size > CACHED_VERSIONS) this.#versions.delete(this.#versions.keys().next().value as string);
    return loading;
  }

  async #loadVersion(versionId: string): Promise<PinnedVersion | null> {
    const row = UUID.test(versionId) ? await this.database.dataSource.getRepository(WorkflowVersion).findOneBy({ id: versionId }) : null;
    return row && this.pinnedOf(row);
  }

  /** A version with the agents that it pins. */
  async pinnedOf({ id, workflowId, workspaceId, number, definition, agents }: WorkflowVersion): Promise<PinnedVersion> {
    return { versionId: id, workflowId, workspaceId, number, definition, agents: agents === null ? {} : await this.#pinnedAgents(agents) };
  }

  async #pinnedAgents(agents: { readonly [node: string]: string }): Promise<PinnedAgents> {
    const rows = await this.database.dataSource.getRepository(AgentVersion).findBy({ id: In([...new Set(Object.values(agents))]) });
    const byId = new Map(rows.map(({ id, agentId, number, definition }) => [id, { ...definition, agent_id: agentId, agent_version_id: id, version: number }]));
    return Object.fromEntries(
      Object.entries(agents).map(([node, id]) => {
        const pinned = byId.get(id);
        if (!pinned) throw new Error(`Expected version '${id}' of an agent, which node '${node}' pins, in the catalog, but it is not there`);
        return [node, pinned];
      }),
    );
  }

  putBudget = (setting: BudgetSetting) => putBudget(this.database, setting);
  removeBudget = (workspaceId: string) => removeBudget(this.database, workspaceId);
  /** How a workspace's budget stands at an instant; null: it has none. */
  budget = (workspaceId: string, at: number) => budgetOf(this.database, workspaceId, at);

  createAgent = (publishing: PublishingAgent) => createAgent(this.database, publishing);
  publishAgentVersion = (agentId: string, publishing: PublishingAgent) => publishAgentVersion(this.database, agentId, publishing);

  /** By id or key. */
  agent(workspaceId: string, ref: string): Promise<Agent | null> {
    return this.database.dataSource.getRepository(Agent).findOneBy(UUID.test(ref) ? { id: ref, workspaceId } : { key: ref, workspaceId });
  }

  /** Newest first; ask for one more than a page to know whether more follow. */
  agents = (workspaceId: string, page: CatalogPage): Promise<Agent[]> => this.#page(Agent, 'w.workspace_id = :workspaceId', workspaceId, page);

  /** Newest first. */
  agentVersions(workspaceId: string, agentId: string): Promise<AgentVersion[]> {
    return this.database.dataSource.getRepository(AgentVersion).find({ where: { workspaceId, agentId }, order: { number: 'DESC' } });
  }

  /** By number or id. */
  agentVersion(workspaceId: string, agentId: string, ref: number | string): Promise<AgentVersion | null> {
    return this.database.dataSource.getRepository(AgentVersion).findOneBy({ workspaceId, agentId, ...(typeof ref === 'number' ? { number: ref } : { id: ref }) });
  }

  async #page<Row extends ObjectLiteral>(entity: EntityTarget<Row>, where: string, workspaceId: string, { limit, after, before }: CatalogPage): Promise<Row[]> {
    const query = this.database.dataSource.getRepository(entity).createQueryBuilder('w').where(where, { workspaceId });
    if (after) query.andWhere('(w.created_at, w.id) < (:afterAt, :afterId)', { afterAt: after.createdAt, afterId: after.id });
    if (before) query.andWhere('(w.created_at, w.id) > (:beforeAt, :beforeId)', { beforeAt: before.createdAt, beforeId: before.id });
    const direction = before ? 'ASC' : 'DESC';
    const rows = await query.orderBy('w.created_at', direction).addOrderBy('w.id', direction).limit(limit).getMany();
    return before ? rows.reverse() : rows;
  }

  /** `created` false: replaced. */
  async putSecret(workspaceId: string, name: string, sealed: { ciphertext: string; keyId: string }, at: number): Promise<{ created: boolean }> {
    const [row] = await this.database.query<{ created: boolean }>(
      `insert into secrets (workspace_id, name, ciphertext, key_id, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)
       on conflict (workspace_id, name) do update set ciphertext = excluded.ciphertext, key_id = excluded.key_id, updated_at = excluded.updated_at returning xmax = 0 as created`,
      [workspaceId, name, sealed.ciphertext, sealed.keyId, at],
    );
    return { created: row?.created ?? false };
  }

  /** By name; without ciphertext's meaning: callers show names only. */
  secrets(workspaceId: string): Promise<Secret[]> {
    return this.database.dataSource.getRepository(Secret).find({ where: { workspaceId }, order: { name: 'ASC' } });
  }

  secret(workspaceId: string, name: string): Promise<Secret | null> {
    return this.database.dataSource.getRepository(Secret).findOneBy({ workspaceId, name });
  }

  /** False: there was none. */
  async deleteSecret(workspaceId: string, name: string): Promise<boolean> {
    return (await this.database.query('delete from secrets where workspace_id = $1 and name = $2 returning 1', [workspaceId, name])).length > 0;
  }

  /** Members that are left out stay as they are. */
  putQueue = (setting: Parameters<typeof putQueue>[1]) => putQueue(this.database, setting);
  /** null: neither set nor in use. */
  queue = (workspaceId: string, name: string) => queueNamed(this.database, workspaceId, name);
  /** By name, after `after`. */
  queues = (workspaceId: string, limit: number, after?: string) => queuesOf(this.database, workspaceId, limit, after);
  queueHolders = (ask: Parameters<typeof queueHolders>[1]) => queueHolders(this.database, ask);
  queueChanges = (workspaceId: string, name: string, limit: number) => queueChanges(this.database, workspaceId, name, limit);
  waitsUntil = (executionId: string) => waitsUntil(this.database, executionId);

  beginIdempotent = (opening: Parameters<typeof beginIdempotent>[1]) => beginIdempotent(this.database, opening);
  findIdempotent = (workspaceId: string, route: string, key: string) => findIdempotent(this.database, workspaceId, route, key);
  finishIdempotent = (workspaceId: string, route: string, key: string, status: number, response: Json) =>
    finishIdempotent(this.database, workspaceId, route, key, status, response);
  abandonIdempotent = (workspaceId: string, route: string, key: string) => abandonIdempotent(this.database, workspaceId, route, key);
  /** Drops keys older than `before` (milliseconds UTC). */
  forgetIdempotent = (before: number) => forgetIdempotent(this.database, before);

  /** n numbers, ascending, never given before. */
  nextRunNumbers = (workflowId: string, n: number): Promise<number[]> => drawRunNumbers(this.database, workflowId, n);
  nextHashids = (workspaceId: string, n: number): Promise<string[]> => drawHashids(this.database, workspaceId, n);
  /** The same, one at a time out of blocks held in memory. */
  takeRunNumber = (workflowId: string): Promise<number> => this.#runs.take(workflowId);
  takeHashid = (workspaceId: string): Promise<string> => this.#hashids.take(workspaceId);
}

import type { Catalog, PinnedVersion } from '@runlog/read-model';
import { compile, type PinnedAgent, type Workflow } from '@runlog/workflow';
import { isUuid, uuidOfKsuid } from '../ids.js';

const LATEST_FRESH_MS = 250;
const KEPT = 500;

/** A workflow's latest version, as creates pin it. */
export interface Latest {
  readonly workflowId: string;
  readonly pinned: PinnedVersion;
  readonly workflow: Workflow;
  /** Whose workflow it is; null: its own. */
  readonly agent: PinnedAgent | null;
}

/** Compiled versions, and for a quarter of a second which one is the latest: a create costs no look-up while they come in numbers. */
export class PinnedWorkflows {
  private readonly compiled = new Map<string, Workflow>();
  private readonly recent = new Map<string, { found: Promise<Latest | null>; until: number }>();

  constructor(private readonly catalog: Catalog) {}

  /** By version id; null: unknown. */
  async version(versionId: string): Promise<Workflow | null> {
    const cached = this.compiled.get(versionId);
    if (cached) return cached;
    const pinned = await this.catalog.workflowVersion(versionId);
    return pinned && this.compile(pinned);
  }

  /** By id, KSUID or key of the workflow; null: unknown here. */
  latestOf(workspaceId: string, ref: string): Promise<Latest | null> {
    const known = workflowRef(ref);
    return this.fresh(`${workspaceId}/workflow/${ref}`, async () => (known === null ? null : this.load(workspaceId, known)));
  }

  /** By id, KSUID or key of the agent: its latest version, or the one that is named by number, id or KSUID. null: unknown here. */
  agentOf(workspaceId: string, ref: string, version?: string): Promise<Latest | null> {
    return this.fresh(`${workspaceId}/agent/${ref}/${version ?? ''}`, async () => {
      const known = workflowRef(ref);
      const agent = known === null ? null : await this.catalog.agent(workspaceId, known);
      if (!agent || version === undefined) return agent && this.load(workspaceId, agent.workflowId);
      const named = versionRef(version);
      const found = named === null ? null : await this.catalog.agentVersion(workspaceId, agent.id, named);
      const pinned = found && (await this.catalog.workflowVersion(found.workflowVersionId));
      return pinned && this.latest(pinned, true);
    });
  }

  /** After a version was published here. */
  forgetLatest(): void {
    this.recent.clear();
  }

  private fresh(slot: string, load: () => Promise<Latest | null>): Promise<Latest | null> {
    const cached = this.recent.get(slot);
    if (cached && cached.until > Date.now()) return cached.found;
    const found = load();
    this.recent.set(slot, { found, until: Date.now() + LATEST_FRESH_MS });
    found.then(
      (latest) => latest ?? this.recent.delete(slot),
      () => this.recent.delete(slot),
    );
    if (this.recent.size > KEPT) this.recent.delete(this.recent.keys().next().value as string);
    return found;
  }

  private async load(workspaceId: string, ref: string): Promise<Latest | null> {
    const row = await this.catalog.workflow(workspaceId, ref);
    const version = row && (await this.catalog.workflowVersionByNumber(workspaceId, row.id, row.currentVersion));
    return version ? this.latest(await this.catalog.pinnedOf(version), row.agentId !== null) : null;
  }

  private latest(pinned: PinnedVersion, isOfAgent: boolean): Latest {
    return { workflowId: pinned.workflowId, pinned, workflow: this.compile(pinned), agent: (isOfAgent && Object.values(pinned.agents)[0]) || null };
  }

  private compile({ versionId, definition, agents }: PinnedVersion): Workflow {
    let workflow = this.compiled.get(versionId);
    if (!workflow) this.compiled.set(versionId, (workflow = compile(versionId, definition, agents)));
    if (this.compiled.size > KEPT) this.compiled.delete(this.compiled.keys().next().value as string);
    return workflow;
  }
}

/** What the catalog looks a workflow up by; null: an id of no known form. */
export const workflowRef = (ref: string): string | null => {
  if (/^[a-z][a-z0-9_]{0,63}$/.test(ref)) return ref;
  return isUuid(ref) ? ref.toLowerCase() : uuidOfKsuid(ref);
};

/** A version's number, or its id; null: of no known form. */
export const versionRef = (ref: string): number | string | null => {
  if (/^[1-9]\d{0,8}$/.test(ref)) return Number(ref);
  return isUuid(ref) ? ref.toLowerCase() : uuidOfKsuid(ref);
};

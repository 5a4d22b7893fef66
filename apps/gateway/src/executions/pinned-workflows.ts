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
  private readonly latest = new Map<string, { found: Promise<Latest | null>; until: number }>();

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
    const slot = `${workspaceId}/${ref}`;
    const cached = this.latest.get(slot);
    if (cached && cached.until > Date.now()) return cached.found;
    const found = this.load(workspaceId, ref);
    this.latest.set(slot, { found, until: Date.now() + LATEST_FRESH_MS });
    found.then(
      (latest) => latest ?? this.latest.delete(slot),
      () => this.latest.delete(slot),
    );
    if (this.latest.size > KEPT) this.latest.delete(this.latest.keys().next().value as string);
    return found;
  }

  /** After a version was published here. */
  forgetLatest(): void {
    this.latest.clear();
  }

  private async load(workspaceId: string, ref: string): Promise<Latest | null> {
    const id = workflowRef(ref);
    const row = id === null ? null : await this.catalog.workflow(workspaceId, id);
    if (!row) return null;
    const version = await this.catalog.workflowVersionByNumber(workspaceId, row.id, row.currentVersion);
    if (!version) return null;
    const pinned = await this.catalog.pinnedOf(version);
    return { workflowId: row.id, pinned, workflow: this.compile(pinned), agent: row.agentId === null ? null : (Object.values(pinned.agents)[0] ?? null) };
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

import type { NodeId, WorkflowVersionId } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import { compile, type PinnedAgents, type WorkflowDefinition } from '@runlog/workflow';

/** Shorter time-outs are the runner's own. */
const SCHEDULER_TIMEOUT_MS = 60_000;
const CACHED_VERSIONS = 2_000;
const none: ReadonlyMap<NodeId, number> = new Map();

/** Where published definitions come from; rejects only when the database does not answer. */
export interface Definitions {
  workflowVersion(versionId: WorkflowVersionId): Promise<{ readonly versionId: string; readonly definition: WorkflowDefinition; readonly agents?: PinnedAgents } | null>;
}

/** Time-outs of a minute or more, by node, of each published version: what the scheduler must know of a definition. */
export class NodeTimeouts {
  private readonly versions = new Map<WorkflowVersionId, ReadonlyMap<NodeId, number>>();

  constructor(
    private readonly definitions: Definitions,
    private readonly logger: Logger,
  ) {}

  /** Loads what is not known yet, so that `of` can answer at once. */
  async load(versionIds: Iterable<WorkflowVersionId>): Promise<void> {
    const unknown = [...new Set(versionIds)].filter((id) => !this.versions.has(id));
    for (const id of unknown) {
      const version = await this.definitions.workflowVersion(id);
      this.versions.set(id, version ? this.longTimeouts(version.versionId, version.definition, version.agents) : none);
    }
    if (this.versions.size > CACHED_VERSIONS)
      for (const id of this.versions.keys()) if (this.versions.size > CACHED_VERSIONS / 2 && !unknown.includes(id)) this.versions.delete(id);
  }

  of(versionId: WorkflowVersionId | null): ReadonlyMap<NodeId, number> {
    return (versionId !== null && this.versions.get(versionId)) || none;
  }

  /** A definition that does not compile is reported, and has no time-outs: it must not stop a partition. */
  private longTimeouts(versionId: string, definition: WorkflowDefinition, agents?: PinnedAgents): ReadonlyMap<NodeId, number> {
    try {
      const nodes = [...compile(versionId, definition, agents).nodes.values()];
      const long = nodes.flatMap(({ id, timeoutMs }): [NodeId, number][] => (timeoutMs !== null && timeoutMs >= SCHEDULER_TIMEOUT_MS ? [[id, timeoutMs]] : []));
      return long.length > 0 ? new Map(long) : none;
    } catch (error) {
      this.logger.error({ err: error, versionId }, 'this version does not compile, its nodes have no time-out of a minute or more');
      return none;
    }
  }
}

import type { WorkflowVersionId } from '@runlog/execution';
import type { Logger } from '@runlog/platform';
import type { Catalog, PinnedVersion } from '@runlog/read-model';
import { compile, type Workflow } from '@runlog/workflow';

const kept = 500;

/** Compiled workflows by version id; versions are immutable, so one compiled is good for ever. */
export class Workflows {
  readonly #compiled = new Map<string, Workflow>();

  constructor(
    private readonly catalog: Pick<Catalog, 'workflowVersion'>,
    private readonly logger: Logger,
  ) {}

  known(versionId: WorkflowVersionId): Workflow | undefined {
    return this.#compiled.get(versionId);
  }

  /** Undefined: there is no such version, or none that can be run. */
  async load(versionId: WorkflowVersionId): Promise<Workflow | undefined> {
    const known = this.#compiled.get(versionId);
    if (known) {
      this.#compiled.delete(versionId);
      this.#compiled.set(versionId, known);
      return known;
    }
    const version = await this.catalog.workflowVersion(versionId);
    if (!version) return undefined;
    const workflow = this.#compile(version);
    if (!workflow) return undefined;
    this.#compiled.set(versionId, workflow);
    if (this.#compiled.size > kept) this.#compiled.delete(this.#compiled.keys().next().value as string);
    return workflow;
  }

  #compile({ versionId, definition, agents }: PinnedVersion): Workflow | undefined {
    try {
      return compile(versionId, definition, agents);
    } catch (error) {
      this.logger.error({ err: error, version: versionId }, 'a published workflow version does not compile');
      return undefined;
    }
  }
}

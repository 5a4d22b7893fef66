import type { ExecutionId } from '@runlog/execution';
import { PartitionHalted } from './halted.js';
import type { Residents } from './residents.js';
import type { StateStore } from './state-store.js';
import type { Workflows } from './workflows.js';

/** Brings executions back into memory, all of a batch in one query. */
export class Loading {
  constructor(
    private readonly store: StateStore,
    private readonly residents: Residents,
    private readonly workflows: Workflows,
    private readonly partition: number,
  ) {}

  /** Afterwards each of them is in memory, or has no stored state. */
  async bring(ids: Iterable<ExecutionId>): Promise<void> {
    const missing = [...new Set(ids)].filter((id) => !this.residents.has(id));
    if (missing.length === 0) return;
    for (const { execution, tip } of await this.store.load(missing)) {
      const versionId = execution.created.workflow_version_id;
      const workflow = await this.workflows.load(versionId);
      if (!workflow)
        throw new PartitionHalted(
          this.partition,
          `the catalog lacks workflow version '${versionId}' of execution '${execution.id}': restore the database that belongs to this log`,
        );
      this.residents.add({ execution, workflow, tip, stored: execution.version, freshOutputs: [], hasStoredOutputs: true, bytes: 2_000 });
    }
  }
}

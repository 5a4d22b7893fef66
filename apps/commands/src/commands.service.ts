import { type ArtifactStore, Bodies } from '@runlog/artifacts';
import type { EventLog, OwnedPartition, Subscription } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';
import type { Catalog, Database } from '@runlog/read-model';
import { PartitionLoop } from './engine/partition-loop.js';
import type { ResidentLimits } from './engine/residents.js';
import type { Standing } from './engine/tenure.js';
import { Workflows } from './engine/workflows.js';

export interface CommandsParts {
  readonly log: EventLog;
  readonly database: Database;
  readonly catalog: Pick<Catalog, 'workflowVersion'>;
  readonly artifacts: ArtifactStore;
  readonly logger: Logger;
  /** Told once when a partition can't go on (`/health`, exit of the process); its error says what to do. */
  readonly onHalted?: (error: unknown) => void;
  /** Who shares the partitions; default `commands`. */
  readonly group?: string;
  /** Executions in memory per partition. */
  readonly limits?: ResidentLimits;
  /** Nodes that may follow the first one in a task (see `Leg`), at most; 0: none. */
  readonly legs?: number;
}

const defaultLimits: ResidentLimits = { executions: 2_000, bytes: 32 * 1024 * 1024 };
const defaultLegs = 0;

/** Decides commands: the only writer of facts. One loop per partition that the group grants to this process. */
export class CommandsService {
  readonly #loops = new Map<number, PartitionLoop>();
  readonly #workflows: Workflows;
  readonly #bodies: Bodies;
  #subscription: Subscription | undefined;

  constructor(private readonly parts: CommandsParts) {
    this.#workflows = new Workflows(parts.catalog, parts.logger);
    this.#bodies = new Bodies(parts.artifacts);
  }

  async start(): Promise<void> {
    this.#subscription = await this.parts.log.own({ group: this.parts.group ?? 'commands', run: (owned) => this.#run(owned) });
  }

  /** Resolves when every partition has come to rest and its state is stored. */
  async stop(): Promise<void> {
    await this.#subscription?.stop();
    this.#subscription = undefined;
  }

  standings(): Standing[] {
    return [...this.#loops.values()].map((loop) => loop.standing()).sort((a, b) => a.partition - b.partition);
  }

  /** One line per partition; what an operator looks at first when something hangs. */
  describe(): string[] {
    return this.standings().map(
      ({ partition, state, claim, nextEvent, nextCommand, live, unstored }) =>
        `p${partition} ${state} claim=${claim} next=${nextEvent} command=${nextCommand} live=${live} unstored=${unstored}`,
    );
  }

  async #run(owned: OwnedPartition): Promise<void> {
    const { log, database, logger, limits = defaultLimits, legs = defaultLegs } = this.parts;
    const loop = new PartitionLoop({ log, database, logger, limits, legs, workflows: this.#workflows, bodies: this.#bodies }, owned);
    this.#loops.set(owned.partition, loop);
    try {
      await loop.run();
    } catch (error) {
      this.parts.onHalted?.(error);
      throw error;
    } finally {
      if (this.#loops.get(owned.partition) === loop) this.#loops.delete(owned.partition);
    }
  }
}

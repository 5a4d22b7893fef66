import type { Bodies } from '@runlog/artifacts';
import { AppendLost, type EventLog, type OwnedPartition, pause } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';
import type { Database } from '@runlog/read-model';
import { DecisionBroke } from './decision.js';
import type { ResidentLimits } from './residents.js';
import { isHalting, pauseBefore } from './retrying.js';
import { type Standing, Tenure } from './tenure.js';
import type { Workflows } from './workflows.js';

export interface EngineParts {
  readonly log: EventLog;
  readonly database: Database;
  readonly workflows: Workflows;
  readonly bodies: Bodies;
  readonly logger: Logger;
  readonly limits: ResidentLimits;
  readonly legs: number;
}

/** Offsets remembered of commands that broke off: enough for a partition that is full of them. */
const brokenAtMost = 10_000;

/** Owns one partition for as long as the group grants it: one tenure after the other, each with a claim and a memory of its own. */
export class PartitionLoop {
  readonly #broken = new Map<number, unknown>();
  #tenure: Tenure | undefined;
  #state = 'claiming';

  constructor(
    private readonly parts: EngineParts,
    private readonly owned: OwnedPartition,
  ) {}

  standing(): Standing {
    const { partition } = this.owned;
    return this.#tenure?.standing() ?? { partition, state: this.#state, ready: false, claim: -1, nextEvent: -1, nextCommand: -1, live: 0, unstored: 0 };
  }

  /** Resolves soon after the partition is revoked. Rejects when no retry can help: the process must stop and say why. */
  async run(): Promise<void> {
    const { signal, partition } = this.owned;
    for (let failures = 0; !signal.aborted; ) {
      const begun = performance.now();
      try {
        await this.#serve();
      } catch (error) {
        if (signal.aborted) return;
        if (isHalting(error)) {
          this.#state = `halted: ${error instanceof Error ? error.message : String(error)}`;
          this.parts.logger.fatal({ err: error, partition }, 'partition halted');
          throw error;
        }
        this.#remember(error);
        failures = performance.now() - begun > 10_000 ? 0 : failures + 1;
        this.parts.logger.warn({ err: error, partition, failures }, 'memory dropped; the partition is claimed again');
        if (!(error instanceof AppendLost || error instanceof DecisionBroke) || failures > 3) await pause(pauseBefore(failures), signal);
      }
    }
  }

  async #serve(): Promise<void> {
    const { log, ...parts } = this.parts;
    this.#state = 'claiming';
    const claim = await this.owned.claim();
    const [events, commands] = await Promise.all([log.topicId('execution-events'), log.topicId('execution-commands')]);
    const tenure = new Tenure({ ...parts, log, owned: this.owned, topics: { events, commands }, broken: this.#broken }, claim);
    this.#tenure = tenure;
    let orderly = false;
    try {
      await tenure.run();
      orderly = true;
    } finally {
      this.#tenure = undefined;
      await tenure.close(orderly).catch((error: unknown) => {
        this.parts.logger.debug({ err: error, partition: this.owned.partition }, 'closing a tenure');
      });
    }
  }

  #remember(error: unknown): void {
    if (!(error instanceof DecisionBroke)) return;
    if (this.#broken.size >= brokenAtMost) this.#broken.delete(this.#broken.keys().next().value as number);
    this.#broken.set(error.offset, error.error);
  }
}

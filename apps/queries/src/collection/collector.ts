import type { ArtifactStore } from '@runlog/artifacts';
import type { EventLog } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';
import type { Database } from '@runlog/read-model';
import { collect } from './collect.js';

/** Any number that all services agree on. */
const LOCK = 7_095_114_104;
const LONGEST_PERIOD_MS = 3_600_000;

/** Collects bodies that nothing refers to, now and then, in one process at a time. */
export class Collector {
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: { readonly database: Database; readonly log: EventLog; readonly artifacts: ArtifactStore; readonly graceMs: number; readonly logger: Logger },
  ) {}

  start(): void {
    this.#timer = setInterval(() => this.#turn(), Math.min(this.parts.graceMs, LONGEST_PERIOD_MS)).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
  }

  #turn(): void {
    this.#working = this.#working.then(() => this.#collect()).catch((error: unknown) => this.parts.logger.warn({ err: error }, 'bodies could not be collected this time'));
  }

  async #collect(): Promise<void> {
    const { database, log, artifacts, graceMs, logger } = this.parts;
    await database.transaction(async (lock) => {
      const [row] = await lock.query<{ free: boolean }>('select pg_try_advisory_xact_lock($1) as free', [LOCK]);
      if (!row?.free) return;
      const { skipped, ...collected } = await collect({ sql: database, log, artifacts, graceMs, now: Date.now() });
      if (skipped !== undefined) logger.warn({ because: skipped }, 'no bodies are collected this time');
      else if (collected.removed > 0) logger.info(collected, 'bodies that nothing refers to are gone');
    });
  }
}

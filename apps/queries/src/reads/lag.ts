import type { EventLog } from '@runlog/event-log';
import type { Logger } from '@runlog/platform';
import type { Progress } from '../projection/progress.js';

const LOOK_MS = 250;

/** How far the read models are behind the log: for how long some partition has not been level with its end. */
export class Lag {
  readonly #behindSince = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly log: EventLog,
    private readonly progress: Progress,
    private readonly logger: Logger,
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A batch was projected: `level` when it ended at the log's end. */
  projected(partition: number, level: boolean): void {
    if (level) this.#behindSince.delete(partition);
    else if (!this.#behindSince.has(partition)) this.#behindSince.set(partition, Date.now());
  }

  /** Milliseconds; 0 when level. */
  get ms(): number {
    return this.#behindSince.size === 0 ? 0 : Math.max(1, Date.now() - Math.min(...this.#behindSince.values()));
  }

  async #look(): Promise<void> {
    try {
      const partitions = Array.from({ length: this.log.partitions('execution-events') }, (_, partition) => partition);
      const ends = await Promise.all(partitions.map((partition) => this.log.end('execution-events', partition)));
      if (partitions.some((partition) => !this.progress.isOwn(partition))) await this.progress.poll();
      for (const partition of partitions) this.projected(partition, this.progress.known(partition) >= (ends[partition] ?? 0));
    } catch (cause) {
      this.logger.debug({ err: cause }, 'could not look at the lag');
    }
  }
}

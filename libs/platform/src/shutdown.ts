import type { Logger } from './logger.js';

interface Step {
  readonly name: string;
  readonly stop: () => Promise<unknown> | unknown;
}

export interface ShutdownOptions {
  readonly logger: Logger;
  /** After this long the process ends whatever is still open. */
  readonly deadlineMs?: number;
  readonly exit?: (code: number) => void;
}

/**
 * The way down, once: `stopping` aborts first (readiness fails), then the steps run one after the other, last added first, because
 * what was started last rests on what was started before. A step that throws is logged and does not keep the others from running.
 */
export class Shutdown {
  private readonly steps: Step[] = [];
  private readonly controller = new AbortController();
  private ending: Promise<void> | undefined;
  private begunAt = 0;
  private readonly deadlineMs: number;
  private readonly exit: (code: number) => void;

  constructor(private readonly options: ShutdownOptions) {
    this.deadlineMs = options.deadlineMs ?? 20_000;
    this.exit = options.exit ?? ((code) => process.exit(code));
  }

  /** Aborted as soon as the way down begins. */
  get stopping(): AbortSignal {
    return this.controller.signal;
  }

  /** Call right after what `stop` undoes has been started. */
  add(name: string, stop: Step['stop']): void {
    this.steps.push({ name, stop });
  }

  /**
   * SIGTERM and SIGINT begin the way down; one that comes more than a second later ends the process at once. Before that it is the
   * same Ctrl-C again: a terminal sends it to the launcher, which passes it on, and to this process.
   */
  listen(): this {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        if (!this.ending) void this.run(signal);
        else if (performance.now() - this.begunAt > 1000) this.exit(1);
      });
    return this;
  }

  /** Idempotent: every call waits for the one way down. The process ends with `code` afterwards. */
  run(because: string, code = 0): Promise<void> {
    this.ending ??= this.descend(because, code);
    return this.ending;
  }

  private async descend(because: string, code: number): Promise<void> {
    const { logger } = this.options;
    this.begunAt = performance.now();
    logger.info({ because }, 'stopping');
    const deadline = setTimeout(() => {
      logger.error({ deadlineMs: this.deadlineMs }, 'not everything stopped in time');
      this.exit(1);
    }, this.deadlineMs);
    this.controller.abort();
    for (const { name, stop } of this.steps.splice(0).reverse())
      try {
        await stop();
        logger.debug({ step: name }, 'stopped');
      } catch (error) {
        logger.error({ step: name, err: error }, 'could not stop');
      }
    clearTimeout(deadline);
    this.exit(code);
  }
}

/** What nobody caught is a bug or a lost invariant: it is logged and the process ends, so that a clean one takes over. */
export const exitOnUncaught = (logger: Logger, exit: (code: number) => void = (code) => process.exit(code)): void => {
  for (const event of ['unhandledRejection', 'uncaughtException'] as const)
    process.on(event, (error) => {
      logger.fatal({ err: error, event }, 'nobody caught this');
      exit(1);
    });
};

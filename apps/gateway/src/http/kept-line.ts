import type { Response } from 'express';

/** Some clients give up, and ask again, after half a minute of silence. */
const EVERY_MS = 10_000;

/** A line that says something while its answer is awaited: after a while it commits to 200, then sends a space now and again until the body. */
export class KeptLine {
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly response: Response,
    everyMs = EVERY_MS,
  ) {
    this.timer = setInterval(() => this.sayNothing(), everyMs);
    response.once('close', () => this.release());
  }

  /** Whether anything was said, so that the status can no longer be chosen. */
  get isCommitted(): boolean {
    return this.response.headersSent;
  }

  release(): void {
    clearInterval(this.timer);
  }

  /** The body, after what was said. */
  end(body: unknown): void {
    this.release();
    this.response.end(JSON.stringify(body));
  }

  private sayNothing(): void {
    if (!this.isCommitted) this.response.status(200).type('application/json');
    this.response.write(' ');
  }
}

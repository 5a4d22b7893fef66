import type { Response } from 'express';
import { commentFrame, frame, retryFrame } from './sse-frame.js';

const COMMENT_MS = 15_000;
const STUCK_MS = 60_000;

/**
 * A response as a text/event-stream. Writing waits while the client's buffer is full; a client that takes nothing for a minute is
 * dropped (it resumes by id). `closed` aborts when either side has ended.
 */
export class SseWriter {
  private readonly controller = new AbortController();
  private readonly comments: NodeJS.Timeout;

  constructor(private readonly response: Response) {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    });
    response.write(retryFrame);
    response.once('close', () => this.controller.abort());
    response.on('error', () => this.controller.abort());
    this.comments = setInterval(() => {
      if (!response.writableNeedDrain) response.write(commentFrame);
    }, COMMENT_MS);
    this.closed.addEventListener('abort', () => clearInterval(this.comments));
  }

  get closed(): AbortSignal {
    return this.controller.signal;
  }

  /** Resolves when there is room for more, or the client is gone. */
  async write(...frames: Parameters<typeof frame>[0][]): Promise<void> {
    if (this.closed.aborted || frames.length === 0) return;
    if (!this.response.write(frames.map(frame).join(''))) await this.drained();
  }

  end(): void {
    if (!this.closed.aborted) this.response.end();
    this.controller.abort();
  }

  private drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(stuck);
        this.response.off('drain', done);
        this.closed.removeEventListener('abort', done);
        resolve();
      };
      const stuck = setTimeout(() => {
        this.response.destroy();
        done();
      }, STUCK_MS);
      this.response.once('drain', done);
      this.closed.addEventListener('abort', done, { once: true });
      if (this.closed.aborted) done();
    });
  }
}

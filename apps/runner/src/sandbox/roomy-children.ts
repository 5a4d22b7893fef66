import { type Assigned, Child } from './child-handle.js';

/** At most so many at a time. */
const AT_ONCE = 2;
/** A value takes about so many times the characters of its JSON, and the code works on it. */
const BYTES_PER_CHAR = 16;
const USUAL_BYTES = 64 * 1024 * 1024;
const MOST_BYTES = 1024 * 1024 * 1024;

/** For jobs that read much: a child for each, with memory by what it reads, that goes when the job ends. */
export class RoomyChildren {
  readonly waiting: Assigned[] = [];
  readonly #children = new Set<Child>();
  #isClosed = false;

  get size(): number {
    return this.#children.size;
  }

  assign(): void {
    while (!this.#isClosed && this.#children.size < AT_ONCE) {
      const assigned = this.waiting.shift();
      if (!assigned) return;
      this.#grow(assigned);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.waiting.splice(0)) reject(new Error('The sandbox is closed'));
    await Promise.all([...this.#children].map((child) => child.kill()));
  }

  #grow(assigned: Assigned): void {
    const { scope, signal } = assigned.job;
    let isGiven = false;
    const child: Child = new Child(
      {
        onReady: () => {
          if (isGiven || signal.aborted) return void child.kill();
          isGiven = true;
          child.give(assigned);
        },
        onGone: () => {
          this.#children.delete(child);
          if (signal.aborted) assigned.reject(signal.reason);
          else if (!isGiven) assigned.settle({ code: 'code_memory', message: 'There is no memory at present for a process that holds what the code reads', retryable: true });
          this.assign();
        },
        onIdle: () => undefined,
        onPace: () => undefined,
        idleMs: 0,
      },
      Math.min(MOST_BYTES, USUAL_BYTES + scope.length * BYTES_PER_CHAR),
    );
    this.#children.add(child);
  }
}

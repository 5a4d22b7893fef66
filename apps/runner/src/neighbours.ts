import type { Heartbeat, RunnerId } from '@runlog/execution';

/** Without a heartbeat for so long a runner gets no work passed on. */
const SILENT_MS = 3_000;

interface Seen {
  readonly heartbeat: Heartbeat;
  readonly heardAt: number;
  /** Tasks passed on to it since. */
  passed: number;
}

/** The other runners, as their heartbeats describe them: a hint about who has room. */
export class Neighbours {
  readonly #seen = new Map<RunnerId, Seen>();

  constructor(private readonly self: RunnerId) {}

  hear(heartbeat: Heartbeat, now: number): void {
    if (heartbeat.runner === this.self) return;
    if (heartbeat.stopping) this.#seen.delete(heartbeat.runner);
    else this.#seen.set(heartbeat.runner, { heartbeat, heardAt: now, passed: 0 });
    for (const [runner, { heardAt }] of this.#seen) if (now - heardAt > SILENT_MS) this.#seen.delete(runner);
  }

  /** A partition of `node-tasks` whose reader has room for one more of this kind; counts as passed on. */
  place(kind: string, now: number): number | undefined {
    let best: Seen | undefined;
    let room = 0;
    for (const seen of this.#seen.values()) {
      const { heartbeat, heardAt, passed } = seen;
      const free = heartbeat.free - heartbeat.backlog - passed;
      if (free <= room || now - heardAt > SILENT_MS || heartbeat.partitions.length === 0 || !heartbeat.kinds.includes(kind)) continue;
      best = seen;
      room = free;
    }
    if (!best) return undefined;
    best.passed++;
    return best.heartbeat.partitions[Math.floor(Math.random() * best.heartbeat.partitions.length)];
  }
}

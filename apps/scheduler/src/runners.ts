import type { Heartbeat, RunnerId } from '@runlog/execution';

interface Heard {
  /** On this process's monotonic clock, as every time here: wall clocks jump, and the runner's may be wrong. */
  heardAt: number;
  /** Null until its first heartbeat is read here. */
  heartbeat: Heartbeat | null;
  /** Free slots of the last heartbeat that no reminder was sent for yet. */
  spare: number;
  silent: boolean;
}

/** Longer than this between two proofs, nobody's silence means anything: the log or this process stood still. */
const PROOF_GAP_MS = 2000;
const FORGET_MS = 600_000;

/**
 * Who is alive. Silence is measured up to the last *proof*: a moment of which it is known that every heartbeat written before it has been
 * read. So a log that is down, or a scheduler that was stopped, makes no runner silent.
 */
export class Runners {
  private readonly heard = new Map<RunnerId, Heard>();
  private provenAt = 0;
  /** How often a runner has fallen silent: whoever saw another number has something to look after. */
  silences = 0;

  constructor(private readonly timeoutMs: number) {}

  hear(heartbeat: Heartbeat, now: number): void {
    this.heard.set(heartbeat.runner, { heardAt: now, heartbeat, spare: heartbeat.stopping ? 0 : heartbeat.free, silent: false });
  }

  /** An attempt is with this runner; if nothing was heard of it yet, it has one full time-out from the last proof on. */
  expect(runner: RunnerId): void {
    if (!this.heard.has(runner)) this.heard.set(runner, { heardAt: this.provenAt, heartbeat: null, spare: 0, silent: false });
  }

  /** Gives runners that were never heard of their full time-out: reading has only just caught up. */
  beginWaiting(): void {
    for (const one of this.heard.values()) if (!one.heartbeat) one.heardAt = this.provenAt;
  }

  /** Every heartbeat written before `at` has been read. */
  prove(at: number): void {
    const gap = at - this.provenAt;
    if (gap > PROOF_GAP_MS) for (const one of this.heard.values()) one.heardAt = Math.max(one.heardAt, Math.min(at, one.heardAt + gap));
    this.provenAt = Math.max(this.provenAt, at);
    for (const [runner, one] of this.heard) {
      if (at - one.heardAt > Math.max(FORGET_MS, this.timeoutMs * 2)) this.heard.delete(runner);
      if (one.silent || this.silence(runner) === null) continue;
      one.silent = true;
      this.silences++;
    }
  }

  /** Milliseconds of proven silence, if they are more than the time-out. */
  silence(runner: RunnerId): number | null {
    const one = this.heard.get(runner);
    if (!one) return null;
    const silentMs = this.provenAt - one.heardAt;
    return silentMs > this.timeoutMs ? silentMs : null;
  }

  /** True if some live runner has a free slot for this kind; each slot of each heartbeat is given once. */
  takeSlot(kind: string): boolean {
    for (const [runner, one] of this.heard) {
      if (one.spare <= 0 || !one.heartbeat?.kinds.includes(kind) || this.silence(runner) !== null) continue;
      one.spare--;
      return true;
    }
    return false;
  }

  describe(): { runner: RunnerId; silentMs: number; free: number; backlog: number; stopping: boolean }[] {
    return [...this.heard].map(([runner, { heardAt, heartbeat }]) => ({
      runner,
      silentMs: Math.max(0, this.provenAt - heardAt),
      free: heartbeat?.free ?? 0,
      backlog: heartbeat?.backlog ?? 0,
      stopping: heartbeat?.stopping ?? false,
    }));
  }
}

/** So many keys are remembered. */
const keysAtMost = 1_024;
/** Fewer than this side by side are no crowd. */
const few = 4;
/** Nobody waits longer than this for company, ms, nor longer than this share of the time that it takes to come round again. */
const longestPaceMs = 20;
const share = 0.1;
const weight = 0.05;
/** A request that brings fewer keys together shows that there is no crowd any more, though nobody comes round to tell. */
const together = 3;
const fade = 0.8;

interface Seen {
  readonly turn: number;
  readonly at: number;
}

/**
 * How many keys (executions, mostly) go through here side by side: how many others came by since a key was last seen, and how long that took. One
 * after the other, however fast, is no crowd. In a crowd it pays to let a little more collect before the next request; alone, waiting only costs time.
 */
export class Crowd {
  private readonly seen = new Map<string, Seen>();
  private turn = 0;
  private turnOfRequest = 0;
  private last = '';
  private others = 0;
  private roundMs = 0;

  saw(key: string, now: number): void {
    if (key === this.last) {
      this.others *= 1 - weight;
      return;
    }
    this.last = key;
    this.turn++;
    const before = this.seen.get(key);
    if (before) {
      this.others += (this.turn - before.turn - 1 - this.others) * weight;
      this.roundMs += (now - before.at - this.roundMs) * weight;
      this.seen.delete(key);
    } else if (this.seen.size >= keysAtMost) this.seen.delete(this.seen.keys().next().value as string);
    this.seen.set(key, { turn: this.turn, at: now });
  }

  /** A request has gone, with what was seen since the last one. */
  went(): void {
    if (this.turn - this.turnOfRequest < together) this.others *= fade;
    this.turnOfRequest = this.turn;
  }

  /** How far apart requests should be, whole ms; 0 when there is nothing to gain. */
  get paceMs(): number {
    return this.others < few ? 0 : Math.floor(Math.min(longestPaceMs, this.roundMs * share));
  }
}

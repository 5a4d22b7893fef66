import { pause } from '../pause.js';
import type { Outgoing, Urgency } from '../port.js';
import type { Courier } from './courier.js';
import { Crowd } from './crowd.js';
import { maxBatchBytes, recordBytes } from './records.js';
import { type Part, slotOf } from './requests.js';
import type { Wire } from './wire.js';

const maxRoundBytes = 4 * 1_048_576;
const roomBytes = 8 * 1_048_576;
/** So much is worth a round of its own at any time. */
const enoughBytes = 262_144;
/** What nobody waits for goes with the next round that somebody waits for, or alone after so long. */
const lingerMs = 20;

interface Waiting extends Part {
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

/** Group commit: what is sent while a round is on its way goes out together in the next one. One round at a time, so order holds. */
export class Sender {
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private rounds: Promise<void> | undefined;
  private readonly ending = new AbortController();
  private readonly crowd = new Crowd();
  private sentAt = 0;
  private isUrgent = false;
  private hurry: () => void = () => undefined;
  private readonly roomWanted: (() => void)[] = [];

  constructor(
    private readonly wire: Wire,
    private readonly courier: Courier,
  ) {}

  /** Resolves once every record is acknowledged, however long that takes. @throws RecordTooLarge before anything is written */
  send(outgoing: readonly Outgoing[], urgency: Urgency = 'now'): Promise<void> {
    const parts = outgoing.flatMap(inBatches);
    if (parts.length === 0) return Promise.resolve();
    if (this.ending.signal.aborted) return Promise.reject(stopped());
    return new Promise((resolve, reject) => {
      let left = parts.length;
      const done = () => void (--left === 0 && resolve());
      const now = performance.now();
      for (const part of parts) {
        this.waiting.push({ ...part, done, failed: reject });
        this.waitingBytes += part.bytes;
        for (const { key } of part.records) this.crowd.saw(key, now);
      }
      if (urgency === 'now') this.hasten();
      this.rounds ??= this.run();
    });
  }

  /** Resolves while there is room for more; whoever does not wait for its records to land waits here. */
  room(): Promise<void> {
    if (this.waitingBytes < roomBytes || this.ending.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => this.roomWanted.push(resolve));
  }

  /** Sends what waits, at most for `withinMs`; the rest is refused. */
  async close(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.ending.abort(), withinMs);
    this.hasten();
    await this.rounds;
    clearTimeout(timer);
    this.ending.abort();
    for (const go of this.roomWanted.splice(0)) go();
  }

  private async run(): Promise<void> {
    await new Promise(setImmediate);
    for (let pauseMs = 20; this.waiting.length > 0; ) {
      if (this.ending.signal.aborted) {
        for (const { failed } of this.waiting.splice(0)) failed(stopped());
        this.waitingBytes = 0;
        break;
      }
      if (!this.isUrgent) await this.company();
      const early = this.sentAt + this.crowd.paceMs - performance.now();
      if (early > 0 && this.waitingBytes < enoughBytes) await pause(early, this.ending.signal);
      const round = this.takeRound();
      this.crowd.went();
      this.isUrgent = this.waiting.length > 0;
      this.sentAt = performance.now();
      const landed = await this.sendRound(round);
      if (landed) pauseMs = 20;
      else {
        this.isUrgent = true;
        await pause(pauseMs, this.ending.signal);
        pauseMs = Math.min(pauseMs * 2, 1_000);
      }
    }
    this.rounds = undefined;
  }

  private hasten(): void {
    this.isUrgent = true;
    this.hurry();
  }

  private async company(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.hurry = resolve;
      timer = setTimeout(resolve, lingerMs);
    });
    clearTimeout(timer);
  }

  /** As much as fits, at most one batch a partition; a partition that is full keeps its order. */
  private takeRound(): Waiting[] {
    const round: Waiting[] = [];
    const later: Waiting[] = [];
    const bytesOf = new Map<string, number>();
    let bytes = 0;
    for (const one of this.waiting) {
      const slot = `${one.topic}/${one.partition}`;
      const inSlot = (bytesOf.get(slot) ?? 0) + one.bytes;
      const fits = inSlot <= maxBatchBytes && (bytes === 0 || bytes + one.bytes <= maxRoundBytes);
      bytesOf.set(slot, fits ? inSlot : Number.POSITIVE_INFINITY);
      if (fits) bytes += one.bytes;
      (fits ? round : later).push(one);
    }
    this.waiting = later;
    return round;
  }

  /** False if any of it has to be sent again; that goes back to the front. */
  private async sendRound(round: readonly Waiting[]): Promise<boolean> {
    const lost: Waiting[] = [];
    await Promise.all(
      [...Map.groupBy(round, slotOf).values()].map(async (some) => {
        const [{ topic, partition }] = some as [Waiting];
        const bytes = some.reduce((sum, one) => sum + one.bytes, 0);
        try {
          await this.courier.deliver({ topic, partition, records: some.length === 1 ? (some[0] as Part).records : some.flatMap(({ records }) => records), bytes });
          this.waitingBytes -= bytes;
          for (const { done } of some) done();
        } catch (error) {
          this.wire.report(`write ${topic}/${partition}`, error);
          lost.push(...some);
        }
      }),
    );
    if (this.waitingBytes < roomBytes) for (const go of this.roomWanted.splice(0)) go();
    if (lost.length === 0) return true;
    this.wire.forget();
    const again = new Set(lost);
    this.waiting = [...round.filter((one) => again.has(one)), ...this.waiting];
    return false;
  }
}

const inBatches = ({ topic, partition, records }: Outgoing): Part[] => {
  const parts: Part[] = [];
  let from = 0;
  let bytes = 0;
  records.forEach((record, index) => {
    const size = recordBytes(record);
    if (bytes + size > maxBatchBytes) {
      parts.push({ topic, partition, records: records.slice(from, index), bytes });
      [from, bytes] = [index, 0];
    }
    bytes += size;
  });
  if (records.length > from) parts.push({ topic, partition, records: records.slice(from), bytes });
  return parts;
};

const stopped = () => new Error('Expected to send to the log, but it is stopped');

import { encodeClaim, isClaim } from '../envelope.js';
import { pause } from '../pause.js';
import { AppendLost, type LogRecord, type NewRecord, type Outgoing, type OwnedPartition, RecordTooLarge } from '../port.js';
import type { Courier } from './courier.js';
import type { Fetching } from './fetching.js';
import { bounded, live } from './lane.js';
import type { Membership } from './membership.js';
import { maxBatchBytes, recordBytes } from './records.js';
import type { Sender } from './sender.js';
import type { Wire } from './wire.js';

/** What an owned partition rests on. */
export interface OwnedPartitionParts {
  readonly partition: number;
  readonly owner: string;
  readonly signal: AbortSignal;
  readonly wire: Wire;
  readonly fetching: Fetching;
  readonly courier: Courier;
  readonly sender: Sender;
  readonly membership: Membership;
}

const events = 'execution-events';
/** Each append is a request, and wakes everybody who reads events: what a run of quick nodes has to tell shall be one. */
const lingerMs = 20;

/** Fenced by the log itself: an append counts when it landed right behind the claim and what this owner has appended since. */
export class KafkaOwnedPartition implements OwnedPartition {
  readonly partition: number;
  readonly signal: AbortSignal;
  readonly lingerMs = lingerMs;
  /** Where the next append must land; none without a claim in force. */
  private expected: number | undefined;
  private inForce = -1;
  /** Somebody else may own the partition by now. */
  private inDoubt = false;
  private readonly revocation: Promise<never>;

  constructor(private readonly parts: OwnedPartitionParts) {
    this.partition = parts.partition;
    this.signal = parts.signal;
    this.revocation = new Promise((_, reject) => parts.signal.addEventListener('abort', () => reject(new Error('the partition has been revoked')), { once: true }));
    // Whoever waits for an append races with it; there may be nobody.
    this.revocation.catch(() => undefined);
  }

  async claim(): Promise<number> {
    const { owner, membership, wire, signal } = this.parts;
    this.expected = undefined;
    const record = encodeClaim(owner);
    for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 500)) {
      if (this.inDoubt || !membership.isHeard) await membership.word(signal);
      if (signal.aborted) throw this.revoked();
      try {
        const offset = await this.produce([record], recordBytes(record));
        if (signal.aborted) break;
        this.inDoubt = false;
        this.inForce = offset;
        this.expected = offset + 1;
        return offset;
      } catch (error) {
        wire.forget();
        wire.report(`claim ${events}/${this.partition}`, error);
        this.inDoubt = true;
        await pause(pauseMs, signal);
      }
    }
    throw this.revoked();
  }

  async append(records: readonly NewRecord[], followUps: readonly Outgoing[] = []): Promise<{ baseOffset: number }> {
    const bytes = records.reduce((sum, record) => sum + recordBytes(record), 0);
    if (bytes > maxBatchBytes) throw new RecordTooLarge(bytes, maxBatchBytes);
    for (const one of followUps) one.records.forEach(recordBytes);
    const { expected } = this;
    if (this.signal.aborted) throw this.lost('it has been revoked');
    if (expected === undefined) throw this.lost('no claim is in force');
    if (!this.parts.membership.isHeard) throw this.lost('the group has not answered for too long');
    let baseOffset = expected;
    if (records.length > 0) {
      baseOffset = await this.produce(records, bytes).catch((cause: Error) => {
        throw this.lost(`the outcome is unknown: ${cause.message}`, cause);
      });
      if (this.signal.aborted) throw this.lost('it has been revoked meanwhile');
      if (baseOffset !== expected && !(await this.isVoid(expected, baseOffset))) throw this.lost(`it landed at ${baseOffset} and not at ${expected}: somebody else has claimed`);
      this.expected = baseOffset + records.length;
    }
    await this.follow(followUps);
    return { baseOffset };
  }

  readEvents(from: number, to: number): AsyncIterable<readonly LogRecord[]> {
    return bounded(this.parts.wire, events, this.partition, from, to, this.signal);
  }

  async *commands(from: number): AsyncGenerator<readonly LogRecord[]> {
    const options = { topic: 'execution-commands', partition: this.partition, from, maxRecords: 1_000, signal: this.signal } as const;
    for await (const { records } of live(this.parts.fetching, options)) yield records;
  }

  /** The events are durable, so what follows from them goes out, however long it takes. Not waited for: its order is kept, its memory bounded. */
  private async follow(followUps: readonly Outgoing[]): Promise<void> {
    if (followUps.length === 0) return;
    const { sender, wire } = this.parts;
    sender.send(followUps).catch((error: unknown) => wire.report('send what follows from events', error));
    await sender.room();
  }

  /** Whether all that landed in between counts for nobody, as a zombie's late append does: then the claim is still in force. */
  private async isVoid(from: number, to: number): Promise<boolean> {
    let next = from;
    try {
      for await (const slice of this.readEvents(from, to))
        for (const record of slice) {
          if (record.offset !== next++ || isClaim(record) || record.headers.ce_claim === String(this.inForce)) return false;
        }
    } catch {
      // Unread, nobody knows: a new claim settles it.
      return false;
    }
    return next === to;
  }

  /** What is still under way when the partition is revoked may land; nobody waits for it. */
  private async produce(records: readonly NewRecord[], bytes: number): Promise<number> {
    const { courier, signal } = this.parts;
    if (signal.aborted) throw new Error('the partition has been revoked');
    return Promise.race([courier.deliver({ topic: events, partition: this.partition, records, bytes }), this.revocation]);
  }

  private lost(because: string, cause?: Error): AppendLost {
    this.expected = undefined;
    this.inDoubt = true;
    return new AppendLost(this.partition, because, cause && { cause });
  }

  private revoked(): Error {
    return new Error(`Expected to claim partition ${this.partition}, but it was revoked`);
  }
}

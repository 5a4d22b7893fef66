import type { EventLog, NewRecord, OwnedPartition, Urgency } from '@runlog/event-log';
import { type FollowUp, FollowUps } from './follow-ups.js';

/** Above this an append is full: two of them stay below the batch limit of a broker with its default settings. */
const appendBytes = 512 * 1024;
/** From this size on an append starts without waiting for the rest of the commands at hand, so that deciding and writing overlap. */
const eagerBytes = 48 * 1024;
/** Headers and framing of one record, about. */
export const recordOverheadBytes = 600;

/** Events that are written together or not at all, and what leaves after them. */
export interface Slice {
  readonly records: readonly NewRecord[];
  readonly bytes: number;
  readonly lastId: string;
  readonly followUps: readonly FollowUp[];
  readonly urgency: Urgency;
}

export interface Acknowledged {
  /** Offset after the last acknowledged event, and the id of that event. */
  readonly nextEvent: number;
  readonly previous: string;
}

/**
 * Group commit: collects slices and what follows from them while one append is in flight. Nothing leaves before the append it rests on
 * is acknowledged. After the first failure it takes nothing more: its owner drops the partition's memory.
 */
export class Outbox {
  readonly #followUps: FollowUps;
  #records: NewRecord[] = [];
  #bytes = 0;
  #lastId = '';
  #urgency: Urgency = 'soon';
  #lingering: NodeJS.Timeout | undefined;
  #inFlight: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly owned: Pick<OwnedPartition, 'append' | 'lingerMs'>,
    private readonly log: Pick<EventLog, 'send' | 'partitions' | 'maxRecordBytes'>,
    public acknowledged: Acknowledged,
    private readonly onFailure: () => void,
  ) {
    this.#followUps = new FollowUps(log);
  }

  /** @throws what the last append failed with. */
  check(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** Adds one slice; it is never torn apart. A promise: the append being collected has no room for it yet. */
  add(slice: Slice): Promise<undefined> | undefined {
    if (this.#isFullFor(slice)) return this.#addLater(slice);
    this.check();
    for (const record of slice.records) this.#records.push(record);
    for (const followUp of slice.followUps) this.#followUps.add(followUp);
    this.#bytes += slice.bytes;
    this.#lastId = slice.lastId;
    if (slice.urgency === 'now') this.#urgency = 'now';
    if (this.#bytes >= eagerBytes) this.flush();
    return undefined;
  }

  /** Sends something that rests on what has been added so far and is no event itself. */
  say(followUp: FollowUp): void {
    this.#followUps.add(followUp);
  }

  /** Starts writing what has been collected, unless a write is in flight: then that is followed by it. What nobody waits for may linger. */
  flush(): void {
    const { lingerMs = 0 } = this.owned;
    if (this.#inFlight) return;
    if (lingerMs === 0 || this.#urgency === 'now' || this.#bytes >= eagerBytes || !this.#followUps.isEmpty) this.#start();
    else if (this.#records.length > 0) this.#lingering ??= setTimeout(() => this.#start(), lingerMs);
  }

  #start(): void {
    if (this.#inFlight || this.#failure || (this.#records.length === 0 && this.#followUps.isEmpty)) return;
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
    this.#inFlight = this.#write().then(
      () => {
        this.#inFlight = undefined;
        this.flush();
      },
      (error: unknown) => {
        this.#inFlight = undefined;
        this.#failure = { error };
        this.onFailure();
      },
    );
  }

  /** Everything collected so far is acknowledged. @throws what an append failed with. */
  async drained(): Promise<void> {
    for (this.#start(); this.#inFlight; this.#start()) await this.#inFlight;
    this.check();
  }

  /** Takes nothing more and waits for the write in flight. True: everything ever added has been acknowledged. */
  async close(): Promise<boolean> {
    const isSound = this.#failure === undefined;
    this.#failure ??= { error: new Error('Expected an open outbox, but its owner has closed it') };
    const { error } = this.#failure;
    clearTimeout(this.#lingering);
    await this.#inFlight;
    return isSound && this.#failure.error === error && this.#records.length === 0 && this.#followUps.isEmpty;
  }

  #isFullFor({ bytes }: Slice): boolean {
    return this.#bytes > 0 && this.#bytes + bytes > appendBytes;
  }

  async #addLater(slice: Slice): Promise<undefined> {
    while (this.#isFullFor(slice)) await this.#turn();
    return this.add(slice);
  }

  async #turn(): Promise<void> {
    this.check();
    this.#start();
    await this.#inFlight;
    this.check();
  }

  async #write(): Promise<void> {
    const records = this.#records;
    const previous = this.#lastId;
    const followUps = this.#followUps.take();
    const urgency = followUps.length > 0 ? 'now' : this.#urgency;
    this.#urgency = 'soon';
    this.#records = [];
    this.#bytes = 0;
    if (records.length === 0) return this.log.send(followUps);
    const { baseOffset } = await this.owned.append(records, followUps, urgency);
    this.acknowledged = { nextEvent: baseOffset + records.length, previous };
  }
}

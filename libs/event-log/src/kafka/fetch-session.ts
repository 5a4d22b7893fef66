import { type FetchAsk, type Place, slotOf, type Wanted } from './requests.js';

/** At most this much of a partition at once, bytes, and of all of them. */
export const pieceBytes = 1_048_576;
const totalBytes = 4 * 1_048_576;

/** What the broker remembers between fetches (KIP-227): each one says only what has changed. */
export class FetchSession {
  private id = 0;
  private epoch = 0;
  /** What the broker has been told, by slot. */
  private told = new Map<string, Wanted>();

  reset(): void {
    this.id = 0;
    this.epoch = 0;
    this.told.clear();
  }

  /** Whether the last fetch asked for just this. */
  holds(wanted: Wanted): boolean {
    return this.told.get(slotOf(wanted))?.offset === wanted.offset;
  }

  ask(all: readonly Wanted[], waitMs: number): FetchAsk {
    const { id, epoch, told } = this;
    const now = new Map(all.map((one) => [slotOf(one), { topic: one.topic, partition: one.partition, offset: one.offset }]));
    const wanted = [...now].filter(([slot, { offset }]) => told.get(slot)?.offset !== offset).map(([, one]) => one);
    const forgotten: Place[] = [...told].filter(([slot]) => !now.has(slot)).map(([, one]) => one);
    this.told = now;
    return { session: { id, epoch }, wanted, forgotten, froms: fromsOf(now), waitMs, pieceBytes, totalBytes };
  }

  /** One fetch without a session. */
  askOnce(all: readonly Wanted[], waitMs: number): FetchAsk {
    const now = new Map(all.map((one) => [slotOf(one), { topic: one.topic, partition: one.partition, offset: one.offset }]));
    return { session: { id: 0, epoch: -1 }, wanted: [...now.values()], forgotten: [], froms: fromsOf(now), waitMs, pieceBytes, totalBytes };
  }

  /** A broker without room for sessions says 0: then everything is said each time. */
  answered(id: number): void {
    if (id === 0) this.reset();
    else {
      this.id = id;
      this.epoch = this.epoch === 2 ** 31 - 1 ? 1 : this.epoch + 1;
    }
  }
}

const fromsOf = (wanted: ReadonlyMap<string, Wanted>): Map<string, number> => new Map([...wanted].map(([slot, { offset }]) => [slot, offset]));

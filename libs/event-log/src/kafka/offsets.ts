import type { Topic } from '../topics.js';
import type { Wire } from './wire.js';

interface Asked {
  readonly topic: Topic;
  readonly partition: number;
  readonly told: (offset: number) => void;
  readonly failed: (error: unknown) => void;
}

/** Begins or ends of partitions; what is asked for within a moment is one look-up. */
export class Offsets {
  private asked: Asked[] = [];

  constructor(
    private readonly wire: Wire,
    private readonly which: 'begin' | 'end',
  ) {}

  of(topic: Topic, partition: number): Promise<number> {
    return new Promise((told, failed) => {
      if (this.asked.push({ topic, partition, told, failed }) === 1) setImmediate(() => void this.lookUp(this.asked.splice(0)));
    });
  }

  private async lookUp(asked: readonly Asked[]): Promise<void> {
    try {
      await this.wire.retrying(`look up the ${this.which} of partitions`, () => this.ask(asked), undefined, 10_000);
    } catch (error) {
      for (const { failed } of asked) failed(error);
    }
  }

  private async ask(asked: readonly Asked[]): Promise<void> {
    const bySlot = Map.groupBy(asked, ({ topic, partition }) => `${topic}/${partition}`);
    const slots = [...bySlot.values()].map((some) => some[0] as Asked);
    const leaders = await Promise.all(slots.map(({ topic, partition }) => this.wire.leader(topic, partition)));
    const byNode = Map.groupBy(
      slots.map((slot, index) => ({ slot, leader: leaders[index] })),
      ({ leader }) => leader,
    );
    await Promise.all(
      [...byNode.values()].map(async (some) => {
        const wanted = some.map(({ slot }) => slot);
        const [{ topic, partition }] = wanted as [Asked];
        const offsets = await this.wire.borrow(topic, partition, (line) => line.offsets(wanted, this.which));
        wanted.forEach((slot, index) => {
          for (const { told } of bySlot.get(`${slot.topic}/${slot.partition}`) ?? []) told(offsets[index] as number);
        });
      }),
    );
  }
}

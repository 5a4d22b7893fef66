import { randomUUID } from 'node:crypto';
import type { Diagnostics } from '../diagnostics.js';
import type { OwnerOptions } from '../port.js';
import type { Courier } from './courier.js';
import type { Fetching } from './fetching.js';
import { Membership } from './membership.js';
import { KafkaOwnedPartition } from './owned-partition.js';
import { atMost } from './retry.js';
import type { Sender } from './sender.js';
import type { Wire } from './wire.js';

const graceMs = 5_000;

/** What owning rests on. */
export interface OwningParts {
  readonly wire: Wire;
  readonly fetching: Fetching;
  readonly courier: Courier;
  readonly sender: Sender;
  readonly diagnostics: Diagnostics;
  readonly instance?: string;
  readonly onBug: (error: unknown, partition: number) => void;
}

interface Held {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** A member of a group of owners. What the group takes away is aborted at once; what it leaves goes on undisturbed. */
export class Owning {
  private readonly held = new Map<number, Held>();
  private readonly ending = new Map<number, Promise<void>>();
  private readonly membership: Membership;
  private readonly owner = randomUUID();

  constructor(
    private readonly options: OwnerOptions,
    partitions: number,
    private readonly parts: OwningParts,
  ) {
    this.membership = new Membership({
      wire: parts.wire,
      diagnostics: parts.diagnostics,
      group: options.group,
      instance: parts.instance,
      topics: ['execution-commands', 'execution-events'],
      partitions,
      assigned: (mine) => this.assigned(mine),
    });
  }

  start(): void {
    this.membership.start();
  }

  async stop(): Promise<void> {
    for (const { stop } of this.held.values()) stop.abort();
    await atMost(Promise.all([...[...this.held.values()].map(({ done }) => done), ...this.ending.values()]), graceMs);
    this.held.clear();
    await this.membership.leave();
  }

  private assigned(mine: readonly number[]): void {
    for (const [partition, { stop, done }] of this.held) {
      if (mine.includes(partition)) continue;
      stop.abort();
      this.held.delete(partition);
      const over = done.then(() => void (this.ending.get(partition) === over && this.ending.delete(partition)));
      this.ending.set(partition, over);
    }
    for (const partition of mine) if (!this.held.has(partition)) this.held.set(partition, this.take(partition));
  }

  private take(partition: number): Held {
    const { wire, fetching, courier, sender, onBug } = this.parts;
    const stop = new AbortController();
    const before = this.ending.get(partition);
    const run = async () => {
      await before;
      if (stop.signal.aborted) return;
      const owned = new KafkaOwnedPartition({ partition, owner: this.owner, signal: stop.signal, wire, fetching, courier, sender, membership: this.membership });
      try {
        await this.options.run(owned);
      } catch (error) {
        if (!stop.signal.aborted) onBug(error, partition);
      }
    };
    return { stop, done: run() };
  }
}
